"""The names that columns and event types have in the wild, English and Chinese, likelier ones first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from zhiyin.types import EVENT_TYPES, EventType


def plain(name: str) -> str:
    """A column name in one spelling: movieId, "Movie ID" and MOVIE-ID are movie_id."""
    name = unicodedata.normalize("NFKC", name).strip()
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^\w]+|_+", "_", name.lower()).strip("_")


def _table(**lines: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({role: tuple(line.split()) for role, line in lines.items()})


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


ITEM_NAMES = _table(
    item_id=(
        "item_id itemid sku sku_id skuid asin parent_asin product_id productid prod_id movie_id "
        "movieid film_id book_id bookid isbn isbn13 article_id articleid news_id newsid track_id "
        "song_id video_id goods_id goodsid listing_id business_id game_id app_id recipe_id course_id "
        "content_id post_id show_id anime_id artist_id stock_code stockcode item product 商品编号 "
        "商品id 商品编码 商品号 物品编号 物品id 货号 产品编号 产品id 编号 电影id 图书编号 文章id "
        "视频id 歌曲id id code"
    ),
    title=(
        "title name product_name item_name product_title item_title movie_title book_title headline "
        "track_name song_name display_name prod_name 标题 名称 商品名称 商品名 商品标题 产品名称 片名 "
        "书名 歌名 电影名 名字 product item song movie book"
    ),
    text=(
        "text description desc product_description item_description summary overview plot synopsis "
        "abstract details detail content body features feature about long_description "
        "short_description subtitle 描述 简介 详情 商品描述 内容 摘要 正文 介绍 剧情 剧情简介 卖点"
    ),
    categories=(
        "categories category genres genre tags tag keywords department section product_category topic "
        "topics category_name product_type product_type_name type class 分类 类别 类目 标签 品类 类型 "
        "题材"
    ),
    brand=(
        "brand brand_name manufacturer maker vendor publisher author authors artist artist_name "
        "director studio 品牌 作者 厂商 导演 歌手 出版社 制造商"
    ),
    price="price list_price sale_price unit_price current_price cost amount 价格 售价 单价 现价",
    url="url link product_url item_url page_url href permalink web_url 链接 网址 商品链接",
    image=(
        "image image_url img img_url image_link picture photo poster poster_path poster_url thumbnail "
        "cover cover_url image_src images 图片 图片链接 封面 海报 主图"
    ),
    language="language lang locale original_language language_code 语言 语种",
    available=(
        "available availability in_stock instock is_available is_active active status stock "
        "stock_quantity inventory quantity_available 库存 是否在售 上架 状态 有货"
    ),
    published_at=(
        "published_at publish_date publication_date published pub_date release_date released "
        "created_at created date_added date available_since launch_date year release_year 发布时间 "
        "发布日期 上映日期 上架时间 出版日期 创建时间 日期"
    ),
)
EVENT_NAMES = _table(
    user_id=(
        "user_id userid user uid customer_id customerid customer client_id buyer_id member_id "
        "visitor_id visitorid person_id reviewer_id reviewerid account_id profile_id household_id "
        "household_key household viewer_id author_id reader_id cust_id anonymous_id 用户 用户id "
        "用户编号 客户id 客户编号 会员id 会员编号 买家id 顾客"
    ),
    item_id=" ".join(ITEM_NAMES["item_id"]).removesuffix(" id code"),
    type=(
        "event_type eventtype event action action_type type behavior behaviour behavior_type "
        "behaviour_type interaction interaction_type activity event_name 行为 行为类型 事件 事件类型 "
        "动作 类型"
    ),
    at=(
        "at timestamp time datetime event_time eventtime ts date created_at time_stamp "
        "unix_review_time review_time event_timestamp timestamp_ms occurred_at transaction_timestamp "
        "order_date invoice_date purchase_date t_dat t day 时间 时间戳 日期 事件时间 购买时间 "
        "点击时间 下单时间"
    ),
    order="order seq sequence step sequence_number event_order ordinal idx index rank 序号 顺序",
    value=(
        "value rating ratings score stars star star_rating overall rate 评分 星级 打分 分数 dwell "
        "dwell_time watch_time duration play_time listen_time time_spent watch_ratio seconds 时长 "
        "停留时长 观看时长 quantity qty count num_items 数量 件数 weight playcount plays"
    ),
    text=(
        "text review review_text reviewtext comment body content query search_query search_term "
        "keyword 评论 评价 评论内容 搜索词 关键词"
    ),
    event_id=(
        "event_id eventid transaction_line_id interaction_id log_id review_id rating_id uuid 事件id 事件编号 id"
    ),
    session_id=(
        "session_id sessionid session visit_id basket_id order_id orderid invoice_no invoice "
        "transaction_id transactionid user_session cart_id 会话 会话id 订单号 订单编号"
    ),
    recommendation_id=("recommendation_id recommendationid rec_id impression_id request_id slate_id 推荐id"),
    position="position pos slot item_position display_position 位置 展示位置",
)
USER_NAMES = _table(user_id=" ".join((*EVENT_NAMES["user_id"], "id", "编号")))
RELATION_NAMES = _table(
    head="head source subject from src item_id head_id start 头实体 主语 源",
    relation="relation predicate relation_type rel type edge label relationship 关系 谓语",
    tail="tail target object to dst tail_id end related_id entity 尾实体 宾语 目标",
)
STARS = frozenset(
    [
        "value",
        "rating",
        "ratings",
        "score",
        "stars",
        "star",
        "star_rating",
        "overall",
        "rate",
        "评分",
        "星级",
        "打分",
        "分数",
    ]
)
SECONDS = _words(
    "dwell dwell_time watch_time duration play_time listen_time time_spent seconds 时长 停留时长 观看时长"
)
UNITS = _words("quantity qty count num_items 数量 件数")

_TYPES = _table(
    impression="impressions impress shown show exposed exposure display pv_exposure 曝光 展示",
    view=(
        "pageview page_view pv detail detail_view view_item item_view visit watch watched play played "
        "listen listened read open stream browse seen 浏览 查看 观看 播放 阅读 收听"
    ),
    click="clicks clicked tap clk select select_item 点击",
    like=(
        "likes liked star starred fav favorite favourite favor collect bookmark save upvote thumbs_up "
        "thumbup love wishlist add_to_wishlist follow 喜欢 收藏 点赞 赞"
    ),
    dislike="dislikes disliked downvote thumbs_down thumbdown 不喜欢 踩 差评",
    hide="hidden not_interested skip dismiss block 屏蔽 隐藏 不感兴趣 跳过",
    cart=("add_to_cart addtocart add_cart cart_add basket add_to_basket addtobasket atc 加购 加购物车 加入购物车"),
    purchase=(
        "buy bought buying order ordered purchases purchased transaction sale checkout pay payment "
        "paid conversion 购买 下单 成交 支付 买"
    ),
    rating="rate rated ratings score 评分 打分",
    review="reviews reviewed comment commented 评论 评价",
    share="shared shares forward retweet repost 分享 转发",
    search="searched searches query 搜索 查询",
    edit="",
)
_TYPE_OF: Mapping[str, EventType] = MappingProxyType(
    {name: type_ for type_ in EVENT_TYPES for name in (type_, *_TYPES[type_])}
)


def event_type_of(name: str) -> EventType | None:
    """Our event type for a foreign one, None if the name is not known."""
    key = plain(name)
    return _TYPE_OF.get(key) or _TYPE_OF.get(key.replace("_", ""))


def named_languages() -> Mapping[str, str]:
    """Endings of column names that name a language: title_zh, title_cn, 标题_英文."""
    codes = {code: code for code in _words("en zh de fr es it pt nl ru ja ko ar pl sv tr vi th id")}
    return codes | {
        "cn": "zh",
        "chinese": "zh",
        "english": "en",
        "中文": "zh",
        "英文": "en",
        "zh_cn": "zh",
        "en_us": "en",
    }

"""Which column of people and of relations is what."""

from __future__ import annotations

from zhiyin.data.readers.mapping import RelationFile, UserFile
from zhiyin.data.readers.roles import Inferred, Roles, counted
from zhiyin.data.readers.sample import Column, Sample
from zhiyin.data.readers.synonyms import RELATION_NAMES, USER_NAMES
from zhiyin.errors import InvalidData


def infer_users(sample: Sample) -> Inferred[UserFile]:
    """The mapping of a users file. Raises InvalidData if no column is a key."""
    roles = Roles(sample, USER_NAMES)
    keys = roles.named("user_id") or [column for column in roles.free() if column.uniqueness == column.fill == 1.0]
    if not keys:
        raise _no_role(sample, "the user id", "user_id")
    user_id = roles.take("user_id", keys[0], f"the user id: {counted(keys[0], sample)}")
    mapping = UserFile(path=sample.path, user_id=user_id, attributes=roles.rest("attributes"))
    return Inferred(mapping, tuple(roles.said))


def infer_relations(sample: Sample) -> Inferred[RelationFile]:
    """The mapping of a file of edges: by names, else by place: head, relation, tail or head, tail.

    Raises InvalidData for anything else.
    """
    roles = Roles(sample, RELATION_NAMES)
    head, relation, tail = (next(iter(roles.named(role)), None) for role in ("head", "relation", "tail"))
    if head is None or tail is None:
        head, relation, tail = _by_place(sample)
    said = [f"I took `{head.name}` as the head and `{tail.name}` as the tail of a relation"]
    if relation is None:
        said.append("there is no column of names of relations: all are called `related`")
    else:
        said.append(f"I took `{relation.name}` as its name: {len(relation.distinct):,} kinds")
    mapping = RelationFile(
        path=sample.path, head=head.name, relation=relation.name if relation else None, tail=tail.name
    )
    return Inferred(mapping, tuple(said))


def _by_place(sample: Sample) -> tuple[Column, Column | None, Column]:
    columns = list(sample.columns.values())
    if len(columns) == 3:
        return columns[0], columns[1], columns[2]
    if len(columns) == 2:
        return columns[0], None, columns[1]
    raise _no_role(sample, "head and tail of a relation", "head, relation and tail")


def _no_role(sample: Sample, what: str, cure: str) -> InvalidData:
    return InvalidData(
        f"no column of {sample.path} can be {what}; its columns: {', '.join(sample.columns)}. Name them {cure}"
    )

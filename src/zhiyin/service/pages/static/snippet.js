// The snippet page: only its words change with the language.
import { listen } from "./language.js";

listen();

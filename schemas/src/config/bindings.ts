import { type Static, Type } from "@sinclair/typebox";
import { ID_PATTERN } from "../manifest.ts";
import { oneOf } from "../shapes.ts";
import { entry } from "./section.ts";

const BoundPeer = entry(
  {
    kind: oneOf(["dm", "direct", "group", "channel"], "Kind of conversation; direct is another word for dm."),
    id: Type.String({ minLength: 1, description: "The platform's id of the conversation; threads belong to it." }),
  },
  "One conversation.",
);

const Match = entry(
  {
    channel: Type.String({ pattern: ID_PATTERN, description: "Channel id, like telegram." }),
    accountId: Type.Optional(
      Type.String({ minLength: 1, description: 'Account of the channel; "*" is every one. Default every one.' }),
    ),
    peer: Type.Optional(BoundPeer),
  },
  "Which messages go to the agent.",
);

const Binding = entry(
  {
    agentId: Type.String({ pattern: ID_PATTERN, maxLength: 64, description: "An id of agents.list." }),
    match: Match,
  },
  "One rule.",
);
export type Binding = Static<typeof Binding>;

/** `bindings`: which agent answers where. */
export const BindingsConfig = Type.Array(Binding, {
  default: [],
  description:
    "Which agent answers where. A rule with a peer goes before one with an account, that before one with a channel alone; of equals the first counts. Default none: the default agent answers.",
});

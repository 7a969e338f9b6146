"""Run a planner without any store: its questions are answered from a dict, and remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backo.paths import parse_field_path, to_text
from backo.references.effects import (
    AddLink,
    Delete,
    Holders,
    LinkChange,
    MustExist,
    MustNotBeEmpty,
    Plan,
    Planner,
    RemoveLink,
)
from backo.references.fields import Ref, RefsList
from backo.references.links import LinkGraph, resolve

Declared = Mapping[str, Mapping[str, Ref | RefsList]]
Known = Mapping[str, Mapping[str, list[str]]]


def graph_of(declared: Declared) -> LinkGraph:
    """Resolve references given as `{"books": {"$.author": Ref(…)}}`."""
    return resolve(
        {name: {parse_field_path(path): one for path, one in fields.items()} for name, fields in declared.items()}
    )


@dataclass
class Told:
    """What a planner asked and what it planned, as short texts.

    Attributes:
        asked: `"who in books names authors a1 in $.author"`-like questions, in their order.
        effects: what it does.
        ends: what has to hold in the end.
        refused: pairs of path and code.
        plan: the plan itself.
    """

    asked: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)


def told(planner: Planner, known: Known | None = None) -> Told:
    """Run a planner to its end.

    Args:
        planner: the planner.
        known: the answers: by `"books$.author"` for the ids that the link of an item names, by
            `"→books$.author"` for the items whose stored link names a target.
    """
    story, answers = Told(), known or {}
    try:
        request = next(planner)
        while True:
            link = request.link
            arrow = "→" if isinstance(request, Holders) else ""
            question = f"{arrow}{link.collection}{to_text(link.path)}"
            story.asked.append(f"{question} {' '.join(request.ids)}")
            found = answers.get(question, {})
            request = planner.send({id_: found[id_] for id_ in request.ids if id_ in found})
    except StopIteration as end:
        story.plan = end.value
    for effect in story.plan.effects:
        match effect:
            case AddLink(collection, id_, path, target):
                story.effects.append(f"{collection}/{id_}{to_text(path)} += {target}")
            case RemoveLink(collection, id_, path, target):
                story.effects.append(f"{collection}/{id_}{to_text(path)} -= {target}")
            case Delete(collection, id_):
                story.effects.append(f"del {collection}/{id_}")
    for judgement in story.plan.judgements:
        match judgement:
            case MustExist(collection, id_, path, other, target):
                story.ends.append(f"{collection}/{id_}{to_text(path)} needs {other}/{target}")
            case MustNotBeEmpty(collection, id_, path):
                story.ends.append(f"{collection}/{id_}{to_text(path)} not empty")
    story.refused = [(refusal.problem.path, refusal.problem.code) for refusal in story.plan.refusals]
    return story


def change(graph: LinkGraph, collection: str, path: str, id_: str, added: str = "", removed: str = "") -> LinkChange:
    """Say that a link of an item names other items from now on; ids are separated by blanks."""
    link = graph.links[collection, parse_field_path(path)]
    return LinkChange(link, id_, tuple(added.split()), tuple(removed.split()))

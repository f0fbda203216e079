"""One recorded decision in words, English or Chinese, and what an event is called where it is shown."""

from enum import StrEnum
from typing import Any

from application.queries import RecordedEvent
from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal
from interfaces.cli.terminal import say, show_table


class Lang(StrEnum):
    """The languages of explanations."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class NoSuchDecision(Refusal):
    """An event that is unknown, of another user, or no decision."""

    def __init__(self, user_id: str, event_id: str) -> None:
        super().__init__(
            f"The history of {user_id} has no decision {event_id[:200]!r}.",
            Complaint("event", event_id, f"take the id of a decision that `tierline user history {user_id}` lists"),
        )


_ENGLISH = {
    "moved": "{place}: {before} → {after} on {at}",
    "happened": "{place}: {name} on {at}",
    "nothing": "nothing",
    "why": "  because of {rule}, by version {version}; {clause}",
    "growth": "carried {carried}, earned {earned}, deducted {deducted}, balance {balance}",
    "proof": "  {facts_seen} facts seen, cause {cause}, event {event_id}",
    "feature": "feature",
    "value": "value",
    "scores": "  scores {scores}",
    "missing": "  for {tier}: {part}",
    "part": "{of} is {is}, needs {needs}",
}
_CHINESE = {
    "moved": "{place}：{at} {before} → {after}",
    "happened": "{place}：{at} {name}",
    "nothing": "无",
    "why": "  依据规则 {rule}（第 {version} 版）；{clause}",
    "growth": "结转 {carried}、获得 {earned}、扣减 {deducted}、余额 {balance}",
    "proof": "  已计入 {facts_seen} 条事实，起因 {cause}，事件 {event_id}",
    "feature": "特征",
    "value": "值",
    "scores": "  得分 {scores}",
    "missing": "  距 {tier}：{part}",
    "part": "{of} 为 {is}，需要 {needs}",
}
_PHRASES = {Lang.ENGLISH: _ENGLISH, Lang.CHINESE: _CHINESE}


def tell_receipt(event: RecordedEvent, lang: Lang) -> None:
    """The decision, its rule and every value that it read. Names of rules, clauses and causes are the receipt's own."""
    receipt, phrases = event.receipt or {}, _PHRASES[lang]
    moved = event_name(event) == "tier-changed"
    before, at = event.from_tier or phrases["nothing"], format_instant(event.effective_at)
    told = {"place": event_place(event), "before": before, "after": event.to_tier, "name": event_name(event), "at": at}
    say(phrases["moved" if moved else "happened"].format_map(told))
    say(phrases["why"].format_map({name: receipt.get(name) for name in ("rule", "version", "clause")}))
    if own := own_words(event, lang):
        say(f"  {own}")
    proof = {"facts_seen": receipt.get("facts_seen"), "cause": event.data.get("cause"), "event_id": event.event_id}
    say(phrases["proof"].format_map(proof))
    values = {**receipt.get("features", {}), **receipt.get("outside", {})}
    show_table((phrases["feature"], phrases["value"]), [("  " + name, value) for name, value in values.items()])
    scores = receipt.get("scores") or {}
    if scores:
        say(phrases["scores"].format(scores=", ".join(f"{name} {value}" for name, value in scores.items())))
    for part in receipt.get("missing") or []:
        say(phrases["missing"].format(tier=receipt.get("next_tier"), part=part_words(part, lang)))


def event_name(event: RecordedEvent) -> str:
    """What happened to the user, without where the event stands."""
    return event.topic.removeprefix("user-tier.").removesuffix(".v1")


def event_place(event: RecordedEvent) -> str:
    """The scheme, and the merchant where it is kept per merchant."""
    return f"{event.scheme} @ {event.scope}" if event.scope else event.scheme


def own_words(event: RecordedEvent, lang: Lang = Lang.ENGLISH) -> str:
    """What an event says that no other column does."""
    if event_name(event) == "growth-settled":
        return _PHRASES[lang]["growth"].format_map(event.data)
    if event_name(event) in ("tag-added", "tag-removed"):
        until = event.data.get("until")
        value = f" = {event.data['value']}" if event.data.get("value") is not None else ""
        return event.data["tag"] + value + (f" until {format_instant(until)}" if until else "")
    return ""


def part_words(part: dict[str, Any], lang: Lang = Lang.ENGLISH) -> str:
    """A part of a condition that is not met yet."""
    return _PHRASES[lang]["part"].format_map({name: part.get(name) for name in ("of", "is", "needs")})

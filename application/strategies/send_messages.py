"""Messages that wait go out to the operator's sending system, each at least once, under one id."""

from application.strategies.carry_out_actions import MessageCap
from application.strategies.message_ports import Answer, Message, Outbox, OutboxTurn, Receiver
from application.strategies.settle_user import Settle, tell_decided
from domain.strategies.sending import PAUSED_SECONDS, HoldBack, Outgoing, Send, Verdict, verdict

_BATCH = 64
UNDECIDED = "undecided"


class SendMessages:
    """A worker's use case. Whether a message may go out is asked at each attempt, of users about whom everything is
    decided. What became of it stands first with the message, then among the user's events: a crash in between loses
    nothing, and one between the sending and the standing leads to one repeat."""

    def __init__(
        self, outbox: Outbox, receiver: Receiver | None, settle: Settle, cap: MessageCap | None, max_age: int
    ) -> None:
        """receiver None: messages wait. max_age: microseconds."""
        self._outbox, self._receiver, self._settle = outbox, receiver, settle
        self._cap, self._max_age = cap, max_age

    def __call__(self) -> bool:
        """A bit of it; whether there was something to do. Call it until then."""
        sent = self._send()
        return tell_decided(self._outbox.tell, self._settle) > 0 or sent

    def _send(self) -> bool:
        if self._receiver is None:
            return False
        with self._outbox.turn(_BATCH, self._cap.days if self._cap else 0) as turn:
            if turn is None:
                return False
            verdicts = self._judge(turn)
        sending = [message for message, judged in verdicts if isinstance(judged, Send)]
        if sending:
            answers: list[Answer] = self._receiver.send(sending)
            self._outbox.settle(list(zip(sending, answers, strict=True)))
        return bool(verdicts)

    def _judge(self, turn: OutboxTurn) -> list[tuple[Message, Verdict]]:
        due = turn.due()
        waiting = dict.fromkeys(one.user_id for one in due if not one.decided)
        if waiting:  # what they have just said of themselves is to count
            for user_id in waiting:
                self._settle(user_id)
            due = turn.due()
        verdicts: list[tuple[Message, Verdict]] = []
        recorded = []
        going: dict[str, int] = {}
        for one in due:
            judged: Verdict = HoldBack(turn.now + PAUSED_SECONDS * 1_000_000, UNDECIDED)
            if one.decided:
                judged = self._verdict(one.outgoing, going.get(one.user_id, 0), turn.now)
            if isinstance(judged, Send):
                going[one.user_id] = going.get(one.user_id, 0) + 1
            recorded.append((one, judged))
            verdicts.append((one.message, judged))
        turn.record(recorded)
        return verdicts

    def _verdict(self, outgoing: Outgoing, going: int, now: int) -> Verdict:
        """going: messages to the same user that go out in this turn already."""
        at_most = None if self._cap is None else self._cap.times - going
        return verdict(outgoing, now, at_most=at_most, max_age=self._max_age)

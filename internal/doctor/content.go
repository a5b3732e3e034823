package doctor

import (
	"context"
	"fmt"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/text"
)

// checkContent finds out whether the content of messages reaches the bot. That the
// intent is switched on is no proof; a command that was handled is.
func (x *examination) checkContent(context.Context) Finding {
	if x.isProxied() {
		return pass("what the bot behind evergreen proxy does with messages is not seen here")
	}
	try := "To see it arrive, write " + x.config.CommandPrefix + "ping in a channel that the bot can see; it answers at once. A mention works without the switch, so it proves nothing."
	off := x.report.Application.FlagsKnown && x.intents().Refused(x.report.Application.Flags).Has(gateway.IntentMessageContent)
	if off {
		return warn("what people write arrives empty: the Message Content Intent is off",
			fmt.Sprintf("Switch it on at %s/%d/bot, Privileged Gateway Intents.", portal, x.report.Application.ID)).withCause(health.GreenButUseless)
	}
	if r := x.instance; r != nil {
		switch {
		case r.noContent != "":
			return fail("the running instance gets messages without content", "Restart it, so that it asks for the content of messages.", try).with(r.noContent).withCause(health.GreenButUseless)
		case r.Work.Asked > 0:
			f := pass(fmt.Sprintf("the running instance has heard %s and answered %d", text.Count(int(r.Work.Asked), "command"), r.Work.Answered))
			if r.Work.Failed > 0 {
				f = f.with(fmt.Sprintf("%d failed; the log names them", r.Work.Failed))
			}
			return f
		}
		f := pass("the switch is on; the running instance has not heard a command yet", fmt.Sprintf("%d events received", r.Work.Received))
		f.Next = []string{try}
		return f
	}
	f := pass("the switch is on and the bot asks for it; nothing runs that could have seen a message")
	if x.holder != nil {
		f.Says = "the switch is on; whether the running instance has seen a message cannot be asked"
	}
	f.Next = []string{try}
	return f
}

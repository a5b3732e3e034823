package doctor

import (
	"context"
	"fmt"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/text"
)

// checkContent asks whether what people write really reaches the bot. A switch
// that is on is no proof: only a message is.
func (v *visit) checkContent(context.Context) Finding {
	try := "To see it arrive, write " + v.config.CommandPrefix + "ping in a channel that the bot can see; it answers at once. A mention works without the switch, so it proves nothing."
	off := v.report.Application.FlagsKnown && v.intents().Refused(v.report.Application.Flags).Has(gateway.IntentMessageContent)
	if off {
		return warn("what people write arrives empty: the Message Content Intent is off",
			fmt.Sprintf("Switch it on at %s/%d/bot, Privileged Gateway Intents.", portal, v.report.Application.ID)).because(health.GreenButUseless)
	}
	if r := v.running; r != nil {
		switch {
		case r.deaf != "":
			return fail("the running instance gets messages without content", "Restart it, so that it asks for the content of messages.", try).saw(r.deaf).because(health.GreenButUseless)
		case r.Work.Asked > 0:
			f := pass(fmt.Sprintf("the running instance has heard %s and answered %d", text.Count(int(r.Work.Asked), "command"), r.Work.Answered))
			if r.Work.Failed > 0 {
				f = f.saw(fmt.Sprintf("%d failed; the log names them", r.Work.Failed))
			}
			return f
		}
		f := pass("the switch is on; the running instance has not heard a command yet", fmt.Sprintf("%d events received", r.Work.Received))
		f.Next = []string{try}
		return f
	}
	f := pass("the switch is on and the bot asks for it; nothing runs that could have seen a message")
	if v.holder != nil {
		f.Says = "the switch is on; whether the running instance has seen a message cannot be asked"
	}
	f.Next = []string{try}
	return f
}

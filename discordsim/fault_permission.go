package discordsim

import (
	"slices"
	"time"
)

// permissionKinds are the faults of what a bot may do. Those of channels concern the
// channels that Text names, or all. Discord tells of them as of any change: with a
// CHANNEL_UPDATE or a GUILD_MEMBER_UPDATE when they begin and when they end.
var permissionKinds = map[string]*faultKind{
	"no-send":    {description: "the bot may not send messages in the channels called Text (all): 403 50013", begin: deny(permissionSend)},
	"no-view":    {description: "the bot may not see the channels called Text (all): no events, 403 50001", begin: deny(permissionView)},
	"no-history": {description: "the bot may not read the history of the channels called Text (all): replies are refused with 403 160002", begin: deny(permissionHistory)},
	"timed-out": {description: "the bot is timed out in its guilds for Delay (10 min): 403 50013",
		begin: eachGuild(func(s *Sim, a *Active, app *App, g *Guild) {
			s.timeOut(app, g, time.Now().Add(a.delayOr(10*time.Minute)))
			a.undo = append(a.undo, func() { s.timeOut(app, g, time.Time{}) })
		})},
	"no-dm": {description: "nobody takes direct messages of the bot: 403 50007",
		begin: eachGuild(func(s *Sim, a *Active, _ *App, g *Guild) {
			for _, id := range g.Members {
				if !s.closedDMs[id] {
					s.closedDMs[id] = true
					a.undo = append(a.undo, func() { s.closedDMs[id] = false })
				}
			}
		})},
}

// eachGuild makes a begin that does something to every guild of every app the fault is
// about.
func eachGuild(do func(*Sim, *Active, *App, *Guild)) func(*Sim, *Active) {
	return func(s *Sim, a *Active) {
		eachApp(func(s *Sim, app *App) {
			for _, g := range slices.Clone(app.Guilds) {
				do(s, a, app, g)
			}
		})(s, a)
	}
}

// deny makes a begin that takes a permission from bots until the fault is over.
func deny(denied uint64) func(*Sim, *Active) {
	return eachGuild(func(s *Sim, a *Active, app *App, g *Guild) {
		for _, ch := range g.Channels {
			if a.Text == "" || a.Text == ch.Name {
				s.setPermission(app, ch, denied, false)
				a.undo = append(a.undo, func() { s.setPermission(app, ch, denied, true) })
			}
		}
	})
}

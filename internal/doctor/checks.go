package doctor

import "time"

const (
	groupSettings = "Settings"
	groupMachine  = "This machine"
	groupNetwork  = "The way to Discord"
	groupDiscord  = "Discord"
	groupGateway  = "The gateway"
	groupPast     = "The past"
	groupLatency  = "Latency"
	groupBots     = "Bots behind evergreen proxy"
)

// checks returns all checks, in the order in which they are reported.
func (x *examination) checks() []Check {
	all := x.botChecks()
	if x.proxied {
		all = append(all, x.proxyChecks()...)
	}
	return all
}

// proxyChecks returns the checks of evergreen proxy and of the bots behind it.
func (x *examination) proxyChecks() []Check {
	return []Check{
		{ID: "bots-address", Group: groupBots, Title: "Address for bots", Needs: []string{"settings"}, After: []string{"instance"}, Run: x.checkBotsAddress},
		{ID: "bots-line", Group: groupBots, Title: "A connection as a bot's", Needs: []string{"bots-address", "token"}, Timeout: 10 * time.Second, Run: x.checkBotsLine},
		{ID: "bots-attached", Group: groupBots, Title: "The bot", Needs: []string{"bots-address"}, After: []string{"instance"}, Run: x.checkBotsAttached},
		{ID: "bots-starts", Group: groupBots, Title: "Sessions beside Evergreen", Needs: []string{"bots-address", "login"}, After: []string{"budget", "instance"}, Run: x.checkBotsStarts},
		{ID: "bots-beside", Group: groupBots, Title: "Processes beside Evergreen", Needs: []string{"rest"}, After: []string{"bots-address", "instance"}, Run: x.checkBotsBeside},
	}
}

// botChecks returns the checks of every bot.
func (x *examination) botChecks() []Check {
	return []Check{
		{ID: "settings", Group: groupSettings, Title: "Settings and .env", Run: x.checkSettings},
		{ID: "token", Group: groupSettings, Title: "Token by its shape", Needs: []string{"settings"}, Run: x.checkToken},

		{ID: "state", Group: groupMachine, Title: "State folder and disk", Needs: []string{"settings"}, Run: x.checkState},
		{ID: "instance", Group: groupMachine, Title: "Running instance", Needs: []string{"settings", "token"}, Run: x.checkInstance},
		{ID: "memory", Group: groupMachine, Title: "Memory", After: []string{"state", "instance"}, Run: x.checkMemory},
		{ID: "files", Group: groupMachine, Title: "Open files", After: []string{"instance"}, Run: x.checkFiles},
		{ID: "sleep", Group: groupMachine, Title: "Sleep of the host", Timeout: 6 * time.Second, Run: x.checkSleep},

		{ID: "proxy", Group: groupNetwork, Title: "Proxy", Needs: []string{"settings"}, Run: x.checkProxy},
		{ID: "dns", Group: groupNetwork, Title: "Name resolution (DNS)", Needs: []string{"proxy"}, Run: x.checkDNS},
		{ID: "tcp", Group: groupNetwork, Title: "Connection (TCP)", Needs: []string{"dns"}, Run: x.checkTCP},
		{ID: "tls", Group: groupNetwork, Title: "Encryption (TLS)", Needs: []string{"tcp"}, Run: x.checkTLS},
		{ID: "rest", Group: groupNetwork, Title: "REST", Needs: []string{"tls"}, Run: x.checkREST},
		{ID: "clock", Group: groupNetwork, Title: "Clock", Needs: []string{"rest"}, Run: x.checkClock},
		{ID: "wss", Group: groupNetwork, Title: "WebSocket (wss)", Needs: []string{"rest"}, After: []string{"instance"}, Timeout: 10 * time.Second, Run: x.checkWebSocket},
		{ID: "status", Group: groupNetwork, Title: "Discord's status page", Needs: []string{"settings"}, After: []string{"rest"}, Run: x.checkStatus},

		{ID: "login", Group: groupDiscord, Title: "Token by REST", Needs: []string{"token", "rest"}, After: []string{"instance"}, Timeout: 6 * time.Second, Run: x.checkLogin},
		{ID: "intents", Group: groupDiscord, Title: "Intents and their switches", Needs: []string{"login"}, Run: x.checkIntents},
		{ID: "budget", Group: groupDiscord, Title: "Session starts (IDENTIFY)", Needs: []string{"login"}, After: []string{"state", "instance"}, Run: x.checkBudget},
		{ID: "shards", Group: groupDiscord, Title: "Shards", Needs: []string{"login"}, Run: x.checkShards},
		{ID: "commands", Group: groupDiscord, Title: "Slash commands", Needs: []string{"login"}, After: []string{"instance"}, Run: x.checkCommands},

		{
			ID: "ready", Group: groupGateway, Title: "Proof of READY",
			Needs: []string{"wss", "intents", "budget", "shards", "state", "instance"}, Timeout: 12 * time.Second, Run: x.checkReady,
		},
		{ID: "content", Group: groupGateway, Title: "Message content", Needs: []string{"intents"}, After: []string{"ready"}, Run: x.checkContent},

		{ID: "incidents", Group: groupPast, Title: "Incidents by cause", Needs: []string{"state"}, After: []string{"instance"}, Run: x.checkIncidents},
		{ID: "jumps", Group: groupPast, Title: "Past sleep and stops", Needs: []string{"state"}, After: []string{"instance", "sleep"}, Run: x.checkAbsences},

		{ID: "latency", Group: groupLatency, Title: "Gateway and REST", Needs: []string{"rest"}, After: []string{"ready"}, Run: x.checkLatency},
	}
}

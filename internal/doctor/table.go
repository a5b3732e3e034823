package doctor

import "time"

// The headings.
const (
	groupSettings = "Settings"
	groupMachine  = "This machine"
	groupNetwork  = "The way to Discord"
	groupDiscord  = "Discord"
	groupGateway  = "The gateway"
	groupPast     = "The past"
	groupLatency  = "Latency"
)

// table is every check, in the order in which they are told.
func (v *visit) table() []Check {
	return []Check{
		{ID: "settings", Group: groupSettings, Title: "Settings and .env", Run: v.checkSettings},
		{ID: "token", Group: groupSettings, Title: "Token by its shape", Needs: []string{"settings"}, Run: v.checkToken},

		{ID: "state", Group: groupMachine, Title: "State folder and disk", Needs: []string{"settings"}, Run: v.checkState},
		{ID: "instance", Group: groupMachine, Title: "Running instance", Needs: []string{"settings", "token"}, Run: v.checkInstance},
		{ID: "memory", Group: groupMachine, Title: "Memory", After: []string{"state", "instance"}, Run: v.checkMemory},
		{ID: "files", Group: groupMachine, Title: "Open files", After: []string{"instance"}, Run: v.checkFiles},
		{ID: "sleep", Group: groupMachine, Title: "Sleep of the host", Patience: 6 * time.Second, Run: v.checkSleep},

		{ID: "proxy", Group: groupNetwork, Title: "Proxy", Needs: []string{"settings"}, Run: v.checkProxy},
		{ID: "dns", Group: groupNetwork, Title: "Name resolution (DNS)", Needs: []string{"proxy"}, Run: v.checkDNS},
		{ID: "tcp", Group: groupNetwork, Title: "Connection (TCP)", Needs: []string{"dns"}, Run: v.checkTCP},
		{ID: "tls", Group: groupNetwork, Title: "Encryption (TLS)", Needs: []string{"tcp"}, Run: v.checkTLS},
		{ID: "rest", Group: groupNetwork, Title: "REST", Needs: []string{"tls"}, Run: v.checkREST},
		{ID: "clock", Group: groupNetwork, Title: "Clock", Needs: []string{"rest"}, Run: v.checkClock},
		{ID: "wss", Group: groupNetwork, Title: "WebSocket (wss)", Needs: []string{"rest"}, Patience: 8 * time.Second, Run: v.checkWebSocket},
		{ID: "status", Group: groupNetwork, Title: "Discord's status page", Needs: []string{"settings"}, After: []string{"rest"}, Run: v.checkStatus},

		{ID: "login", Group: groupDiscord, Title: "Token by REST", Needs: []string{"token", "rest"}, Patience: 6 * time.Second, Run: v.checkLogin},
		{ID: "intents", Group: groupDiscord, Title: "Intents and their switches", Needs: []string{"login"}, Run: v.checkIntents},
		{ID: "budget", Group: groupDiscord, Title: "Session starts (IDENTIFY)", Needs: []string{"login"}, After: []string{"state", "instance"}, Run: v.checkBudget},
		{ID: "shards", Group: groupDiscord, Title: "Shards", Needs: []string{"login"}, Run: v.checkShards},

		{
			ID: "ready", Group: groupGateway, Title: "Proof of READY",
			Needs: []string{"wss", "intents", "budget", "shards", "state", "instance"}, Patience: 12 * time.Second, Run: v.checkReady,
		},
		{ID: "content", Group: groupGateway, Title: "Message content", Needs: []string{"intents"}, After: []string{"ready"}, Run: v.checkContent},

		{ID: "incidents", Group: groupPast, Title: "Incidents by cause", Needs: []string{"state"}, After: []string{"instance"}, Run: v.checkIncidents},
		{ID: "jumps", Group: groupPast, Title: "Clock jumps of past runs", Needs: []string{"state"}, After: []string{"instance", "sleep"}, Run: v.checkJumps},

		{ID: "latency", Group: groupLatency, Title: "Gateway and REST", Needs: []string{"rest"}, After: []string{"ready"}, Run: v.checkLatency},
	}
}

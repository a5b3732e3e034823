package preflight

import (
	"fmt"
	"net/url"
	"strings"

	"evergreen/gateway"
	"evergreen/internal/process/config"

	"github.com/disgoorg/snowflake/v2"
)

// portal is the developer portal.
const portal = "https://discord.com/developers/applications"

// botPage is the portal's page with the token and the switches.
func botPage(application snowflake.ID) string {
	if application == 0 {
		return portal + " (your application, Bot)"
	}
	return portal + "/" + application.String() + "/bot"
}

// intentFeatures is what a bot misses without a privileged intent.
var intentFeatures = map[gateway.Intents]string{
	gateway.IntentGuildMembers:   "it does not see who joins or leaves",
	gateway.IntentGuildPresences: "it does not see who is online",
	gateway.IntentMessageContent: "commands by prefix do not work, only slash commands, mentions and direct messages do",
}

// missingFeatures lists what is missing without these intents.
func missingFeatures(intents gateway.Intents) string {
	var all []string
	for intent := range intents.Each() {
		if text := intentFeatures[intent]; text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// optionalIntents writes intents as DISCORD_OPTIONAL_INTENTS reads them.
func optionalIntents(intents gateway.Intents) string {
	return strings.ReplaceAll(intents.String(), "|", ",")
}

// failure is an error that ends the process until a person has acted.
func failure(err error, steps ...string) *config.Failure {
	return &config.Failure{Code: config.ExitConfig, Err: err, Steps: steps}
}

// tokenFailure is the failure of a refused token (G-004).
func tokenFailure(err error, apiURL string) *config.Failure {
	refused := failure(fmt.Errorf("the bot token is not valid: %w", err),
		"1. Open "+portal+", choose your application and open its Bot page.",
		"2. Press Reset Token and copy the new token; the old one is dead, perhaps because it was reset or leaked.",
		"3. Put it into DISCORD_TOKEN (or into the file that DISCORD_TOKEN_FILE names) and start again.",
	)
	if u, err := url.Parse(apiURL); err == nil && !config.OfDiscord(apiURL) {
		refused.Steps = append([]string{"It was tried at " + u.Host + ", which DISCORD_API_URL names: it has to be a token that is good there. For Discord itself:"}, refused.Steps...)
	}
	return refused
}

// switchedOff is the error of intents whose switches are off.
type switchedOff struct {
	intents     gateway.Intents
	application snowflake.ID
}

// Error names the switches and where they are.
func (s *switchedOff) Error() string {
	verb := " is"
	switches := s.intents.Switches()
	if len(switches) > 1 {
		verb = " are"
	}
	return strings.Join(switches, " and ") + verb + " switched off at " + botPage(s.application)
}

func (s *switchedOff) failure() *config.Failure {
	steps := []string{
		"1. Open " + botPage(s.application) + " and go to Privileged Gateway Intents.",
		"2. Switch on " + strings.Join(s.intents.Switches(), " and ") + ", save, and start again.",
		"Or start without, degraded: set DISCORD_OPTIONAL_INTENTS=" + optionalIntents(s.intents) + " (" + missingFeatures(s.intents) + ").",
	}
	if s.intents.Has(gateway.IntentGuildPresences) {
		steps = append(steps, "The Presence Intent is only asked for because of DISCORD_PRESENCE_INTENT.")
	}
	return failure(s, steps...)
}

// perShard is the most guilds a shard may have.
const perShard = 2500

// tooFewShards is the error of a bot that has outgrown its shards.
type tooFewShards struct{ needed, running, guilds int }

// Error names the number of shards that is needed.
func (e *tooFewShards) Error() string {
	text := fmt.Sprintf("the bot needs %d shards and runs %d", e.needed, e.running)
	if e.guilds > 0 {
		text += fmt.Sprintf(": it is in about %d guilds, and a shard may have %d", e.guilds, perShard)
	}
	return text
}

// Remedy says what a person has to do; a [gateway.CredentialChecker] may return such an
// error.
func (e *tooFewShards) Remedy() string {
	return fmt.Sprintf("Set SHARDS=%d, or SHARDS=auto to have Discord asked, and start the bot again.", e.needed)
}

func (e *tooFewShards) failure() *config.Failure {
	return failure(e, e.Remedy(), fmt.Sprintf("Discord refuses a shard with more than %d guilds (close code 4011).", perShard))
}

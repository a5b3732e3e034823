package main

import (
	"errors"
	"fmt"
	"io/fs"

	"evergreen/internal/process/config"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/web/api"
)

// instanceFlags are the flags that say which running bot a command is about.
type instanceFlags struct {
	EnvFile  string  `name:"env-file" placeholder:".env" help:"File with the bot's settings."`
	StateDir *string `name:"state-dir" placeholder:"data" help:"The bot's state folder, whose lock names the running bot. (EVERGREEN_STATE_DIR)"`
	APIAddr  *string `name:"api-addr" placeholder:"HOST:PORT" help:"Ask the running bot there and not at the address that its lock names, as from outside its container. API_TOKEN is not sent there."`
}

// load reads the settings; a token is not needed.
func (f instanceFlags) load(p *process) (*config.Loaded, error) {
	flags := config.Flags{EnvFile: f.EnvFile, StateDir: f.StateDir, APIAddr: f.APIAddr}
	sources := flags.Sources(p.environ)
	sources.TokenOptional = true
	return config.Load(sources)
}

// errWhichBot means that without DISCORD_TOKEN it is not known which bot is meant.
var errWhichBot = errors.New("without DISCORD_TOKEN it is not known which bot is meant")

// findInstance returns the process that holds the lock of the state folder: that of the
// bot with DISCORD_TOKEN, or without one the only one there is. It is nil if no process
// does. The error says why that cannot be known; it may wrap errWhichBot.
func findInstance(c config.Config) (*tokenlock.Holder, error) {
	if !c.Token.Empty() {
		holder, err := tokenlock.Inspect(c.StateDir, tokenlock.FingerprintOf(c.Token.Reveal()))
		if holder != nil && holder.Temporary {
			holder = nil // a doctor that holds it for a moment
		}
		return holder, err
	}
	holders, bots, err := tokenlock.InspectAll(c.StateDir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case len(holders) == 1:
		return &holders[0], nil
	case len(holders) > 1:
		return nil, fmt.Errorf("%w: %d bots run with the state folder %s", errWhichBot, len(holders), c.StateDir)
	case bots == 0:
		return nil, fmt.Errorf("%w, and none has run with the state folder %s", errWhichBot, c.StateDir)
	}
	return nil, nil
}

// instanceClient returns a client for the API of the process; false if it has none.
func (f instanceFlags) instanceClient(c config.Config, holder *tokenlock.Holder) (api.Client, bool) {
	if f.APIAddr != nil && c.APIAddr != holder.API {
		// Without an ID it could be the API of another bot.
		return api.Client{Addr: c.APIAddr, Instance: holder.ID}, holder.ID != ""
	}
	return api.ClientOf(*holder, c.APIToken.Reveal())
}

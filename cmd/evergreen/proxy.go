package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	"evergreen/internal/app"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
)

// proxyCommand is evergreen proxy.
type proxyCommand struct {
	Serve proxyServe `cmd:"" default:"withargs" help:"Hold the bot's session and serve its library on PROXY_ADDR."`
	Setup proxySetup `cmd:"" help:"Print the one setting that a library needs; without a name, the list of libraries."`
}

// proxyServe is evergreen proxy without a further word.
type proxyServe struct {
	Restart bool `help:"Start the bot's program again when it ends with an error, after a second and then more, up to a minute."`
	NoHook  bool `name:"no-hook" help:"Start the bot's program as it is. Without this, bots on discord.py and its forks, hikari, discord.js and eris connect here without a change in their code."`
	NoAPI   bool `name:"no-api" help:"Do not serve the dashboard and the HTTP API on API_ADDR."`
	startFlags

	Command []string `arg:"" optional:"" passthrough:"" help:"Start the bot too, such as: evergreen proxy -- python bot.py"`
}

// Run serves bots until a signal stops it.
func (c *proxyServe) Run(p *process) error {
	if c.Restart && len(c.Command) == 0 {
		return &config.Failure{Code: config.ExitUsage, Err: errors.New("--restart needs the command of the bot"), Steps: []string{"Such as: evergreen proxy --restart -- python bot.py"}}
	}
	if len(c.Command) > 0 {
		if _, err := exec.LookPath(c.Command[0]); err != nil {
			return &config.Failure{Code: config.ExitConfig, Err: fmt.Errorf("the bot's program cannot be started: %w", err), Steps: []string{
				"Write the command after -- as in a shell without Evergreen, such as: evergreen proxy -- python bot.py",
			}}
		}
	}
	return c.keepOnline(p, !c.NoAPI, func(o *app.Options) {
		o.Proxy = true
		o.ProxyDir = filepath.Join(o.Config.StateDir, "proxy")
		if len(c.Command) > 0 {
			program := &child{command: c.Command, environ: p.environ, restart: c.Restart, log: logging.Component(o.Logger, "Proxy")}
			if !c.NoHook {
				program.preload = filepath.Join(o.ProxyDir, "preload")
			}
			o.StartBot = func(addr net.Addr) func(context.Context) {
				program.start(addr, o.Config.ProxyTLSCert != "")
				return program.end
			}
		}
	})
}

package app

import (
	"errors"
	"path/filepath"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/process/logging"
)

// addresses is the file in the state folder that keeps the last good addresses
// of Discord for a start in which the resolver fails.
const addresses = "addresses.json"

// setupNetwork makes the way to Discord that REST and the gateway share, where no other
// was given.
func (a *App) setupNetwork() error {
	if a.opts.Transport != nil && a.opts.Dialer != nil {
		return nil
	}
	c := a.opts.Config
	way, err := network.New(network.Options{
		Proxies: network.Proxies{
			HTTPS: c.HTTPSProxy.Reveal(), HTTP: c.HTTPProxy.Reveal(), All: c.AllProxy.Reveal(), No: c.NoProxy.Reveal(),
		},
		Resolver: a.opts.Resolver,
		File:     filepath.Join(c.StateDir, addresses), Logger: logging.Component(a.opts.Logger, "Network"),
	})
	if err != nil {
		return err
	}
	a.network = way
	if via := way.Via(c.APIURL); via != "" {
		a.log.Info("Discord is reached through a proxy", "proxy", via)
	}
	if a.opts.Transport == nil {
		a.opts.Transport = way.REST()
	}
	if a.opts.Dialer == nil {
		a.opts.Dialer = gateway.WebSocketDialer{UserAgent: a.userAgent(), Transport: way.Gateway(), Classify: classify}
	}
	return nil
}

// classify tells the gateway that a proxy stands on this side of Discord.
func classify(err error) gateway.ReasonKind {
	if _, ok := errors.AsType[*network.ProxyError](err); ok {
		return gateway.ReasonDial
	}
	return ""
}

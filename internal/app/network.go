package app

import (
	"errors"
	"path/filepath"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/process/logging"
)

// addresses is the file in the state folder with the last good addresses of Discord.
const addresses = "addresses.json"

// setupNetwork makes the network of REST and the gateway, unless Options has both a
// Transport and a Dialer.
func (a *App) setupNetwork() error {
	if a.opts.Transport != nil && a.opts.Dialer != nil {
		return nil
	}
	c := a.opts.Config
	n, err := network.New(network.Options{
		Proxies: network.Proxies{
			HTTPS: c.HTTPSProxy.Reveal(), HTTP: c.HTTPProxy.Reveal(), All: c.AllProxy.Reveal(), No: c.NoProxy,
		},
		Resolver: a.opts.Resolver,
		File:     filepath.Join(c.StateDir, addresses), Logger: logging.Component(a.opts.Logger, "Network"),
	})
	if err != nil {
		return err
	}
	a.network = n
	if via := n.Via(c.APIURL); via != "" {
		a.log.Info("Discord is reached through a proxy", "proxy", via)
	}
	if a.opts.Transport == nil {
		a.opts.Transport = n.REST()
	}
	if a.opts.Dialer == nil {
		a.opts.Dialer = gateway.WebSocketDialer{UserAgent: a.userAgent(), Transport: n.Gateway(), Classify: classify}
	}
	return nil
}

// classify makes an error of the proxy a local failure for the gateway.
func classify(err error) gateway.ReasonKind {
	if _, ok := errors.AsType[*network.ProxyError](err); ok {
		return gateway.ReasonDial
	}
	return ""
}

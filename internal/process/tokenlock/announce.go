package tokenlock

// Announce writes into the lock file where this process's HTTP API listens, for
// others on this machine who want to know how the bot is: [Look] tells them. It
// belongs to whoever has acquired the token.
func (o *Owner) Announce(api string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.self.API = api
	if o.file == nil {
		return nil
	}
	return o.self.write(o.file)
}

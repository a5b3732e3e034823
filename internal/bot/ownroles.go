package bot

import "sync"

// ownRoles has the role that Discord gave to the bot in each guild where that is known.
// Clients offer it beside the bot's user under the same name, so people mention either.
type ownRoles struct {
	mu    sync.Mutex
	roles map[id]id // by guild; 0 if it has none there
}

func (o *ownRoles) set(guild, role id) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.roles == nil {
		o.roles = make(map[id]id)
	}
	o.roles[guild] = role
}

func (o *ownRoles) forget(guild id) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.roles, guild)
}

// of returns the bot's role in the guild, 0 if it has none, and whether that is known.
func (o *ownRoles) of(guild id) (role id, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	role, known = o.roles[guild]
	return role, known
}

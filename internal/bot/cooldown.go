package bot

import (
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// use is one user's use of one command.
type use struct {
	user    snowflake.ID
	command string
}

// burst is how many uses a user may make at once before the cooldown applies.
const burst = 5

// cooldownOf returns how long one use of the command takes to come back, and how many
// may be saved up. It is negative if there is no cooldown.
func (o *Options) cooldownOf(c *Command) (every time.Duration, allowed int) {
	if c.Cooldown > 0 {
		return c.Cooldown, 1
	}
	return o.Cooldown, burst
}

// cooldownMemory is how long uses are remembered: until the slowest is back, and for ten
// minutes at least, because uses may arrive late.
func (o *Options) cooldownMemory() time.Duration {
	memory := 10 * time.Minute
	for i := range o.Commands {
		every, allowed := o.cooldownOf(&o.Commands[i])
		memory = max(memory, time.Duration(allowed)*every)
	}
	return memory
}

// cooldown records a use of a command and returns how long its user still has to
// wait; 0 allows the use. Uses are dated by Discord's clock, so that commands sent
// at intervals which arrive together after an outage are all allowed. Call it in
// the order in which Discord sent the uses.
func (b *Bot) cooldown(c *Command, user snowflake.ID, at time.Time) (wait time.Duration) {
	every, allowed := b.options.cooldownOf(c)
	if every < 0 {
		return 0
	}
	b.uses.update(use{user, c.Name}, time.Now(), func(free time.Time) time.Time {
		// free is when all saved-up uses are back.
		if free.Before(at) {
			free = at
		}
		next := free.Add(every)
		if wait = next.Sub(at) - time.Duration(allowed)*every; wait > 0 {
			return free
		}
		return next
	})
	return max(wait, 0)
}

// messageCooldown is cooldown for the command that a message asks for, if any.
func (b *Bot) messageCooldown(m message, asked invocation) time.Duration {
	c := b.findCommand(asked.name)
	if c == nil {
		return 0
	}
	return b.cooldown(c, snowflake.ID(m.Author.Value.ID), snowflake.ID(m.ID).Time())
}

package bot

import (
	"strconv"

	"github.com/disgoorg/snowflake/v2"
)

// nonceFor names one part of the answer to a message, counted from 1. It
// depends on nothing else, so an event that comes again after a crash leads to
// the same nonce and, with enforce_nonce, Discord returns the answer that
// already stands instead of creating another (G-137). At most 25 characters, as
// Discord demands: 20 for the id, a dash, and the part.
func nonceFor(message snowflake.ID, part int) string {
	return message.String() + "-" + strconv.Itoa(part)
}

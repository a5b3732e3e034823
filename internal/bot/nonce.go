package bot

import (
	"strconv"

	"github.com/disgoorg/snowflake/v2"
)

// nonceFor returns the nonce of one part of the answer to a message, counted from 1.
// G-137: it depends on nothing else, so an event that is replayed after a crash leads
// to the same nonce. With enforce_nonce, Discord then returns the message that exists
// instead of creating another. It has at most 25 characters, Discord's limit: 20 for
// the id, a dash and the part.
func nonceFor(message snowflake.ID, part int) string {
	return message.String() + "-" + strconv.Itoa(part)
}

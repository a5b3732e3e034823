package gateway

import "context"

// CredentialChecker checks over REST, without spending an IDENTIFY, whether a bot
// that Discord refused would be accepted now.
type CredentialChecker interface {
	// CheckCredentials returns the credentials to go on with, or an error that says
	// what is still wrong. cause is what the shard was parked for.
	CheckCredentials(ctx context.Context, cause Reason, current Credentials) (Credentials, error)
}

// Remedied is an error of a [CredentialChecker] that knows exactly what a person
// has to do. A parked shard's cause carries it, in Err.
type Remedied interface {
	error
	Remedy() string
}

// Credentials is what an IDENTIFY presents.
type Credentials struct {
	// Token is the bot token without the "Bot " prefix.
	Token   string
	Intents Intents
}

// String hides the token.
func (c Credentials) String() string { return "token hidden, intents " + c.Intents.String() }

// GoString hides the token from %#v as well.
func (c Credentials) GoString() string { return c.String() }

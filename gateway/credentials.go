package gateway

import "context"

// CredentialChecker checks, without spending an IDENTIFY, whether a bot that Discord
// refused would be accepted now.
type CredentialChecker interface {
	// CheckCredentials returns the credentials to go on with, or an error that says
	// what is still wrong. reason is what the shard is parked for, or the close code 4003
	// that has ended its session. An error with a method Remedy() string also says what a
	// person has to do; it becomes the Err of the [Parked] state's reason. ctx ends after
	// 30 s.
	CheckCredentials(ctx context.Context, reason Reason, current Credentials) (Credentials, error)
}

// Credentials is what an IDENTIFY presents.
type Credentials struct {
	// Token is the bot token without the "Bot " prefix.
	Token string
	// Intents are the event groups to ask for; zero asks for none.
	Intents Intents
}

// String hides the token.
func (c Credentials) String() string { return "token hidden, intents " + c.Intents.String() }

// GoString hides the token from %#v as well.
func (c Credentials) GoString() string { return c.String() }

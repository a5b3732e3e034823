package gateway

import "strconv"

// Opcode says what a gateway payload is for.
type Opcode int

// The opcodes that [Shard.Send] takes.
const (
	OpVoiceStateUpdate        Opcode = 4
	OpRequestGuildMembers     Opcode = 8
	OpRequestSoundboardSounds Opcode = 31
	OpRequestChannelInfo      Opcode = 43
)

// The other opcodes of Gateway v10 that a bot may meet.
const (
	opDispatch       Opcode = 0
	opHeartbeat      Opcode = 1
	opIdentify       Opcode = 2
	opPresenceUpdate Opcode = 3
	opResume         Opcode = 6
	opReconnect      Opcode = 7
	opInvalidSession Opcode = 9
	opHello          Opcode = 10
	opHeartbeatACK   Opcode = 11
)

var opcodeNames = map[Opcode]string{
	opDispatch:                "dispatch",
	opHeartbeat:               "heartbeat",
	opIdentify:                "identify",
	opPresenceUpdate:          "presence update",
	OpVoiceStateUpdate:        "voice state update",
	opResume:                  "resume",
	opReconnect:               "reconnect",
	OpRequestGuildMembers:     "request guild members",
	opInvalidSession:          "invalid session",
	opHello:                   "hello",
	opHeartbeatACK:            "heartbeat ack",
	OpRequestSoundboardSounds: "request soundboard sounds",
	OpRequestChannelInfo:      "request channel info",
}

// String names the opcode as Discord's documentation does.
func (op Opcode) String() string {
	if name, ok := opcodeNames[op]; ok {
		return name
	}
	return "op " + strconv.Itoa(int(op))
}

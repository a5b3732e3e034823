package gateway

import "strconv"

// Opcode says what a gateway payload is for.
type Opcode int

// The opcodes of Gateway v10 that a bot may meet.
const (
	OpDispatch                Opcode = 0
	OpHeartbeat               Opcode = 1
	OpIdentify                Opcode = 2
	OpPresenceUpdate          Opcode = 3
	OpVoiceStateUpdate        Opcode = 4
	OpResume                  Opcode = 6
	OpReconnect               Opcode = 7
	OpRequestGuildMembers     Opcode = 8
	OpInvalidSession          Opcode = 9
	OpHello                   Opcode = 10
	OpHeartbeatACK            Opcode = 11
	OpRequestSoundboardSounds Opcode = 31
	OpRequestChannelInfo      Opcode = 43
)

var opcodeNames = map[Opcode]string{
	OpDispatch:                "dispatch",
	OpHeartbeat:               "heartbeat",
	OpIdentify:                "identify",
	OpPresenceUpdate:          "presence update",
	OpVoiceStateUpdate:        "voice state update",
	OpResume:                  "resume",
	OpReconnect:               "reconnect",
	OpRequestGuildMembers:     "request guild members",
	OpInvalidSession:          "invalid session",
	OpHello:                   "hello",
	OpHeartbeatACK:            "heartbeat ack",
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

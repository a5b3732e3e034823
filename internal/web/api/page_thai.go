package api

import "evergreen/internal/health"

// thaiReasons are the reasons of a status that are whole sentences. Others name
// what was seen and stay in the words they came in, below a sentence in Thai.
var thaiReasons = map[string]string{
	"connected, and Discord answers":                                          "เชื่อมต่ออยู่ และ Discord ตอบกลับตามปกติ",
	"connected; moving to another host as Discord asked":                      "เชื่อมต่ออยู่ กำลังย้ายเซิร์ฟเวอร์ตามที่ Discord ขอ",
	"an answer from Discord is overdue; a spare connection is being prepared": "Discord ตอบช้ากว่ากำหนด กำลังเตรียมการเชื่อมต่อสำรอง",
	"finishing what was begun before the stop":                                "กำลังทำงานที่ค้างอยู่ให้เสร็จก่อนหยุด",
	"stopped as asked":                   "หยุดตามที่สั่ง",
	"no shard has reported yet":          "ยังไม่มีชาร์ดใดรายงานเข้ามา",
	"not started yet":                    "ยังไม่เริ่มทำงาน",
	"waiting for READY":                  "กำลังรอ READY",
	"Discord is sending what was missed": "Discord กำลังส่งเหตุการณ์ที่พลาดไป",
	"Discord takes its time with READY, but answers heartbeats": "Discord ส่ง READY ช้า แต่ยังตอบ heartbeat",
	"connecting": "กำลังเชื่อมต่อ",
	"not online since the start: waiting for READY": "ยังไม่ออนไลน์ตั้งแต่เริ่ม กำลังรอ READY",
}

// thaiCauses are the titles of the catalogue and what a person has to do.
var thaiCauses = map[health.CauseID]struct{ title, do string }{
	"process-gone":          {"โปรเซสหายไปและไม่มีใครเริ่มใหม่", "ให้บอตทำงานเป็นบริการที่เริ่มใหม่เองได้ เช่น systemd unit หรือคอนเทนเนอร์ที่ตั้ง restart policy"},
	"host-idles":            {"โฮสต์ฟรีหรือโฮสต์ที่ว่างงานพักโปรเซสไว้", "ดูนโยบายการพักของโฮสต์ บอตต้องใช้แพ็กเกจที่ไม่หลับ"},
	health.IntentsRefused:   {"ปิดสิทธิ์ privileged intents ไว้ หรือขอ intent ผิด", "เปิด intent ที่ https://discord.com/developers/applications (แอปของคุณ, Bot, Privileged Gateway Intents) หรือตั้งบอตให้ไม่ใช้ intent นั้น"},
	health.TokenRefused:     {"โทเคนผิด ถูกรีเซ็ต หรือรั่วไหล", "รีเซ็ตโทเคนที่ https://discord.com/developers/applications (แอปของคุณ, Bot, Reset Token) แล้วใส่ค่าใหม่ใน DISCORD_TOKEN"},
	health.SlowHandlers:     {"ตัวจัดการเหตุการณ์ช้าหรือค้าง", "หาตัวจัดการที่ช้าในบันทึก แล้วแยกงานของมันออกไม่ให้ขวางตัวอื่น"},
	health.HalfOpen:         {"การเชื่อมต่อค้างครึ่งทาง (half-open)", ""},
	health.ReconnectLoop:    {"วนเชื่อมต่อใหม่กับเซสชันที่ตายแล้ว", "ถ้ายังเป็นอยู่ ดูที่ https://discordstatus.com"},
	health.IdentifyBudget:   {"โควตาเริ่มเซสชัน (IDENTIFY) หมดหรือกำลังสำรองไว้", "หาว่าอะไรใช้โควตาไป: โปรแกรมล้มแล้วเริ่มซ้ำ ๆ หรือมีอีกโปรแกรมใช้โทเคนเดียวกัน"},
	health.IPBanned:         {"Discord ระงับที่อยู่ IP นี้ชั่วคราว", "ถ้าใช้ IP ร่วมกับผู้อื่น (โฮสต์ฟรี) ให้ย้ายไปใช้ของตนเอง และหาว่าอะไรส่งคำขอที่ถูกปฏิเสธจำนวนมาก"},
	health.DNSFailure:       {"DNS ใช้งานไม่ได้", "ตรวจตัวแปลงชื่อของโฮสต์นี้ (resolv.conf หรือ DNS ของคอนเทนเนอร์) ไม่ใช่ปัญหาของ Discord"},
	health.DeployGoodbye:    {"การ deploy ปิดเซสชันด้วยรหัส 1000", "เมื่อจะเริ่มใหม่ต่อ ให้หยุดด้วย SIGTERM ไม่ใช่ --goodbye"},
	"presence-lost":         {"สถานะที่แสดงหายไป", ""},
	health.ResumeDropped:    {"Discord ทิ้งคำขอ RESUME", ""},
	"out-of-memory":         {"เคอร์เนลปิดโปรเซสเพราะหน่วยความจำหมด", "เพิ่มหน่วยความจำให้คอนเทนเนอร์หรือโฮสต์"},
	"two-instances":         {"สองโปรแกรมใช้โทเคนเดียวกัน", "หยุดอีกตัวหนึ่ง หรือให้โทเคนของมันเอง"},
	health.ProxyBlocks:      {"พร็อกซีหรือไฟร์วอลล์ให้ HTTPS ผ่าน แต่ไม่ให้ WebSocket", "อนุญาต wss ไปยัง gateway.discord.gg (พอร์ต 443) บนพร็อกซีหรือไฟร์วอลล์ที่คั่นอยู่"},
	health.DiscordOutage:    {"Discord มีปัญหา", "ฝั่งนี้ไม่ต้องทำอะไร ดูที่ https://discordstatus.com"},
	health.HostSlept:        {"โฮสต์หลับหรือถูกพัก", "อย่าให้โฮสต์หลับ: ปิด suspend หรือย้ายบอตออกจากแล็ปท็อป"},
	"supervisor-gave-up":    {"ตัวดูแลโปรเซสเลิกเริ่มใหม่", "แก้ตามที่การออกครั้งล่าสุดบอก แล้วเริ่มบริการอีกครั้ง"},
	"short-timeouts":        {"ตั้งเวลาหมดเขตสั้นกว่าช่วงของ Discord", "เพิ่มเวลาหมดเขตให้ยาวกว่าช่วง heartbeat (ราว 41 วินาที)"},
	health.SendLimit:        {"ส่งผ่านเกตเวย์มากเกินไป", "ถ้าพบข้อนี้ แสดงว่ามีสิ่งอื่นส่งผ่านการเชื่อมต่อเดียวกัน โปรดแจ้งให้เราทราบ"},
	health.ShardingRequired: {"จำนวนชาร์ดไม่พอดีกับจำนวนเซิร์ฟเวอร์", "ตั้ง SHARDS=auto หรือจำนวนชาร์ดตามที่ GET /gateway/bot แนะนำ (ไม่เกิน 2,500 เซิร์ฟเวอร์ต่อชาร์ด) แล้วเริ่มบอทใหม่"},
	health.IPv6NoRoute:      {"ที่อยู่ IPv6 ไม่มีเส้นทาง", "ให้โฮสต์มีเส้นทาง IPv6 หรือปิด IPv6"},
	health.CertificateBad:   {"ใบรับรองไม่ผ่าน: นาฬิกาผิดหรือคลัง CA เก่า", "ตั้งนาฬิกา (NTP) และอัปเดตใบรับรอง CA ของโฮสต์ ถ้ามีพร็อกซีที่เปิด TLS ต้องติดตั้ง CA ของมัน"},
	health.GreenButUseless:  {"จุดเขียวแต่ไม่ทำงาน", "ตรวจ Message Content Intent และดูตัวจัดการที่ล้มเหลวในบันทึก"},
	health.RoutineReconnect: {"เชื่อมต่อใหม่ตามปกติที่ Discord ขอ", ""},
	health.ConnectionCut:    {"การเชื่อมต่อขาด", ""},
	health.DiscordClosed:    {"Discord ปิดการเชื่อมต่อ", ""},
	health.SessionEnded:     {"Discord จบเซสชัน", ""},
	health.NetworkDown:      {"เครือข่ายระหว่างโฮสต์นี้กับ Discord ใช้ไม่ได้", "ถ้านาน ให้ตรวจการเชื่อมต่อและไฟร์วอลล์ของโฮสต์นี้ (ขาออกพอร์ต 443)"},
	health.GarbledStream:    {"ข้อมูลที่มาถึงอ่านไม่ได้", "ถ้าเกิดซ้ำ แสดงว่ามีสิ่งที่คั่นระหว่างโฮสต์นี้กับ Discord แก้ไขข้อมูล"},
	health.ClientMistake:    {"ความผิดพลาดของโปรแกรมนี้", "โปรดแจ้งให้เราทราบพร้อมบรรทัดบันทึกรอบ ๆ เหตุการณ์"},
	health.ClientOutdated:   {"Discord เลิกให้บริการเกตเวย์รุ่นนี้", "อัปเดตโปรแกรมนี้"},
	health.ProgramCrashed:   {"โปรแกรมล้มหรือจบด้วยข้อผิดพลาด", "ถ้าข้อความสุดท้ายบอกชื่อการตั้งค่าหรือโทเคน ให้แก้ตามนั้น มิฉะนั้นโปรดแจ้งให้เราทราบพร้อมไฟล์ evergreen-...crash.txt ในโฟลเดอร์สถานะและบรรทัดสุดท้ายของบันทึก และให้บอตทำงานเป็นบริการที่เริ่มใหม่เองได้"},
	health.DiskTrouble:      {"บันทึกอะไรไม่ได้: ดิสก์เต็ม อ่านได้อย่างเดียว หรือเสีย", "เพิ่มที่ว่างในดิสก์ของโฟลเดอร์สถานะ หรือทำให้เขียนได้อีกครั้ง ถ้าดิสก์รายงานข้อผิดพลาดให้เปลี่ยนใหม่ ไม่ต้องเริ่มบอตใหม่"},
	health.ProxyFailed:      {"พร็อกซีของโฮสต์นี้ปฏิเสธหรือติดต่อไม่ได้", "ตรวจ HTTPS_PROXY, HTTP_PROXY, ALL_PROXY และ NO_PROXY และอนุญาต discord.com กับ gateway.discord.gg (พอร์ต 443) บนพร็อกซี"},
	health.MemoryShort:      {"หน่วยความจำใกล้หมด", "เพิ่มหน่วยความจำให้คอนเทนเนอร์หรือโฮสต์ หรือหาว่าอะไรใช้ไป ตัวเลขอยู่ในบันทึก"},
	health.HostRebooted:     {"โฮสต์ถูกปิดหรือเริ่มระบบใหม่", "ให้บอตทำงานเป็นบริการที่เริ่มพร้อมโฮสต์ และหาว่าทำไมโฮสต์จึงดับ (last -x หรือประกาศของผู้ให้บริการ)"},
	health.PlannedStop:      {"หยุดตามที่สั่ง", ""},
	health.Unknown:          {"ไม่ทราบสาเหตุ", "โปรดแจ้งหลักฐานของเหตุการณ์นี้ เพื่อให้รายการสาเหตุเรียนรู้"},
}

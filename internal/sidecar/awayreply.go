package sidecar

// awayReplies is [DefaultReply] in the languages that people may set Discord to, by what
// Discord calls them. Every locale of Discord's is there.
var awayReplies = map[string]string{
	"bg":     "Ботът в момента се рестартира. Моля, опитайте отново след малко.",
	"cs":     "Bot se právě restartuje. Zkuste to prosím za chvíli znovu.",
	"da":     "Botten er ved at genstarte. Prøv igen om et øjeblik.",
	"de":     "Der Bot startet gerade neu. Bitte versuche es gleich noch einmal.",
	"el":     "Το bot επανεκκινείται αυτή τη στιγμή. Δοκίμασε ξανά σε λίγο.",
	"en-GB":  DefaultReply,
	"en-US":  DefaultReply,
	"es-419": "El bot se está reiniciando. Inténtalo de nuevo en un momento.",
	"es-ES":  "El bot se está reiniciando. Inténtalo de nuevo en un momento.",
	"fi":     "Botti käynnistyy juuri uudelleen. Yritä hetken kuluttua uudelleen.",
	"fr":     "Le bot est en train de redémarrer. Réessaie dans un instant.",
	"hi":     "बॉट अभी फिर से शुरू हो रहा है। कृपया थोड़ी देर में दोबारा कोशिश करें।",
	"hr":     "Bot se upravo ponovno pokreće. Pokušaj ponovno za trenutak.",
	"hu":     "A bot éppen újraindul. Próbáld újra egy kis idő múlva.",
	"id":     "Bot sedang dimulai ulang. Silakan coba lagi sebentar lagi.",
	"it":     "Il bot si sta riavviando. Riprova tra un momento.",
	"ja":     "ボットは再起動中です。しばらくしてからもう一度お試しください。",
	"ko":     "봇이 다시 시작하는 중입니다. 잠시 후 다시 시도해 주세요.",
	"lt":     "Botas kaip tik paleidžiamas iš naujo. Pabandyk dar kartą po akimirkos.",
	"nl":     "De bot wordt net opnieuw gestart. Probeer het zo nog eens.",
	"no":     "Boten starter akkurat på nytt. Prøv igjen om et øyeblikk.",
	"pl":     "Bot właśnie uruchamia się ponownie. Spróbuj ponownie za chwilę.",
	"pt-BR":  "O bot está reiniciando. Tente novamente em instantes.",
	"ro":     "Botul tocmai repornește. Încearcă din nou peste câteva momente.",
	"ru":     "Бот сейчас перезапускается. Попробуйте ещё раз через минуту.",
	"sv-SE":  "Boten startar just om. Försök igen om en liten stund.",
	"th":     "บอตกำลังเริ่มทำงานใหม่ โปรดลองอีกครั้งในอีกสักครู่",
	"tr":     "Bot şu anda yeniden başlatılıyor. Lütfen birazdan tekrar dene.",
	"uk":     "Бот зараз перезапускається. Спробуйте ще раз за хвилину.",
	"vi":     "Bot đang khởi động lại. Vui lòng thử lại sau giây lát.",
	"zh-CN":  "机器人正在重启，请稍后再试。",
	"zh-TW":  "機器人正在重新啟動，請稍後再試。",
}

// awayReply is what somebody is told who has set Discord to a locale.
func (s *Sidecar) awayReply(locale string) string {
	if reply, ok := awayReplies[locale]; ok && s.opts.AwayReply == DefaultReply {
		return reply
	}
	return s.opts.AwayReply
}

"""Words that speak against lettering: works, speech, looks, negations, empty room for copy.

One entry per language, as text: terms are parted by commas, a star stands for any ending.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOOKS", "NAMING", "NEGATION", "NEGATION_AFTER", "ROOM", "SPEECH", "TEXTLESS", "WORK"]

NAMING: Mapping[str, str] = MappingProxyType({
    "en": "titled, entitled, called, named, titled as, called as, labeled as",
    "de": "namens, genannt, betitelt, mit dem titel",
    "es": "titulado, titulada, llamado, llamada, de nombre",
    "fr": "intitulé, intitulée, appelé, appelée, nommé, nommée, du nom de, prénommé, prénommée, dénommé",
    "it": "intitolato, intitolata, chiamato, chiamata, di nome, chiamati, chiamate",
    "pt": "intitulado, intitulada, chamado, chamada, de nome",
    "nl": "genaamd, getiteld",
    "sv": "kallad, vid namn",
    "pl": "zatytułowan*, nazwan*, o imieniu",
    "cs": "nazvan*, jménem",
    "tr": "adlı, isimli",
    "vi": "tên là",
    "id": "berjudul, bernama",
    "ru": "называем*, под названием, по имени, по кличке",
    "uk": "назв*, на ім'я",
    "da": "kaldet",
    "ro": "numit",
    "hu": "című, nevű",
    "ko": "이라는*, 라는*",
    "no": "kalt, ved navn",
    "fi": "nimeltä, niminen",
    "ar": "اسمه, يدعى, اسمها",
    "el": "με τίτλο, ονομαζόμεν*",
    "he": "בשם, הנקרא",
    "hi": "नामक, नाम का",
    "fa": "به نام",
})
"""Participles of naming."""

WORK: Mapping[str, str] = MappingProxyType({
    "en":
        "movie, film, novel, song, album, videogame, manga, painting, franchise, style of, the style, inspired by, "
        "concept of, idea of, the theme, fairy tale, work, nicknamed, dubbed, known as, so-called, aka, films, tv "
        "series, tv show, video game, series, show, game, story, tale, ballad, opera, musical, sculpture, artwork, "
        "concept, theme, theme of, mood, style, aesthetic, vibe, vibes, character, episode, inspired, based on, "
        "reminiscent, masterpiece, legend, myth, statue, remake, trailer, in the spirit of, idea",
    "de": "film, roman, serie, lied, album, spiel, gemälde, stil, im stil, thema, konzept, sogenannt*, märchen",
    "es": "película, novela, serie, canción, juego, videojuego, estilo, tema, concepto, pintura, cuento",
    "fr": "film, roman, série, chanson, jeu, tableau, style, thème, concept, conte",
    "it": "film, romanzo, serie, canzone, gioco, stile, tema, concetto, favola, quadro",
    "pt": "filme, romance, série, canção, música, jogo, estilo, tema, conceito, conto, quadro",
    "nl": "film, roman, serie, lied, spel, stijl, thema, concept, schilderij",
    "sv": "film*, roman*, serie*, låten, spelet, stil, tema",
    "pl": "film*, powieś*, serial*, piosenk*, styl*, temat*, gra, gry, grze, obraz, obrazu, rzeźb*",
    "cs": "film*, román*, seriál*, píseň, styl*, hra, hry, hře, obraz, obrazu",
    "tr": "film*, roman*, dizi*, şarkı*, oyun*, tarz*, tema*",
    "vi": "phim, tiểu thuyết, bài hát, trò chơi, phong cách, chủ đề",
    "id": "film, novel, lagu, gaya, tema",
    "ru":
        "фильм*, роман*, сериал*, песн*, альбом*, стил*, мультфильм*, сказк*, картин*, тем*, игра, игры, игре, "
        "скульптур*, мем*",
    "uk": "фільм*, роман*, пісн*, стил*, казк*, гра, гри, картин*",
    "el": "ταινία*, τραγούδι, παιχνίδι, στυλ",
    "da": "filmen, romanen, sangen, spillet, stil",
    "fi": "elokuva*, romaani*, laulu*, tyyli*, peli, pelin, maalaus*, patsas*",
    "ro": "filmul, romanul, stil",
    "hu": "film, regény, stílus*",
    "ko": "영화*, 소설*, 노래*, 게임*, 스타일*, 그림*, 작품*, 느낌*, 조각상*",
    "ar": "فيلم, أغنية, رواية, لعبة, أسلوب, بأسلوب, مسلسل",
    "he": "סרט, שיר, סגנון, בסגנון, משחק",
    "hi": "फिल्म, गीत, उपन्यास, शैली, गाना, खेल",
    "fa": "فیلم, آهنگ, رمان, سبک, بازی",
    "no": "filmen, sangen, romanen, stil",
})
"""Works and manners that a quoted title belongs to."""

SPEECH: Mapping[str, str] = MappingProxyType({
    "en":
        "asks, asking, asked, shouts, shouting, shouted, yells, yelling, whispers, whispering, whispered, exclaims, "
        "exclaiming, replies, replied, thinks, dialogue, voice, speaks, speaking, screams, screaming, sings, singing, "
        "telling, as if to say, said, thinking, narration, voiceover, narrator, lip-sync, tells, told, feeling, "
        "conveying, expressing, symbolizing, representing, meaning, sense of, symbolising, chants, chanting",
    "de": "sagte, fragt, ruft, schreit, flüstert, denkt, antwortet, singt, dialog, stimme",
    "es": "dijo, pregunta, grita, susurra, piensa, responde, canta, diálogo, voz",
    "fr": "demande, crie, murmure, pense, répond, chante, dialogue, voix",
    "it": "chiede, grida, sussurra, pensa, risponde, canta, dialogo, voce",
    "pt": "disse, pergunta, grita, sussurra, pensa, responde, canta, diálogo, voz",
    "nl": "vraagt, roept, fluistert, denkt, zingt",
    "pl": "pyta, krzyczy, szepcze, myśli, śpiewa",
    "ru": "сказал*, спрашивает, кричит, шепчет, думает, отвечает, поёт, поет, голос*",
    "tr": "diyor, soruyor, bağırıyor, fısıldıyor, düşünüyor",
    "sv": "frågar, ropar, viskar, tänker",
})
"""Verbs of speaking and thinking."""

LOOKS: Mapping[str, str] = MappingProxyType({
    "en":
        "concept, style, styled, effect, appearance, aesthetic, aesthetics, vibe, vibes, mode, mood, theme, themed, "
        "inspired, feel, feeling, technique, pose, gesture, quality, treatment, energy, motif, trend, core, "
        "atmosphere, finish, approach, metaphor, franchise, look, sculpture, statue, painting, poses, expression, "
        "meme, film, movie, song, album, novel, character, universe, series, anime, game, type, trick, scene",
    "de":
        "konzept, stil, look, effekt, erscheinungsbild, ästhetik, stimmung, thema, technik, pose, optik, gefühl, "
        "atmosphäre, charakter, film",
    "es": "concepto, estilo, efecto, apariencia, estética, ambiente, tema, técnica, pose, aspecto, película",
    "fr": "concept, style, effet, apparence, esthétique, ambiance, thème, technique, pose, film",
    "it": "concetto, stile, effetto, aspetto, estetica, atmosfera, tema",
    "pt": "conceito, estilo, efeito, aparência, estética, atmosfera, tema",
    "nl": "concept, stijl, effect, uitstraling, sfeer, thema",
    "pl": "styl*, efekt*, koncepcj*, wygląd*, klimat*",
    "ru": "стил*, эффект*, концепц*, образ*, атмосфер*, настроени*, тем*",
    "tr": "tarz*, efekt*, konsept*, görünüm*, hava*",
    "sv": "stil, effekt, koncept, känsla",
})
"""Nouns that make the phrase before them a manner."""

NEGATION: Mapping[str, str] = MappingProxyType({
    "en":
        "no, without, without any, free of, free from, devoid of, lacking, avoid, avoiding, exclude, excluding, "
        "excludes, never, nor, omit, absence of, not, don't, dont, doesn't, isn't, aren't, remove, removing, zero, "
        "minus, absent, can't, cannot, shouldn't, negative prompt, neither, none, exclusions, forbidden, avoid*",
    "de": "ohne, kein, keine, keinen, keiner, keinerlei, nicht, frei von, vermeide, vermeiden, weder",
    "es": "sin, no, ningún, ninguna, ni, evita, evitar, libre de, nada de, excluir, tampoco",
    "fr": "sans, aucun, aucune, ni, éviter, évitez, exempt de, exclure, pas de, pas d",
    "it": "senza, nessun, nessuna, niente, evita, evitare, privo di, non",
    "pt": "sem, nenhum, nenhuma, não, evite, evitar, livre de",
    "nl": "zonder, geen, niet, vermijd, vrij van",
    "sv": "utan, ingen, inga, inget, inte, undvik",
    "da": "uden, uten, ingen, intet, ikke, undgå, unngå",
    "fi": "ilman, ei, älä, vältä",
    "pl": "bez, żadnych, żadnego, nie, unikaj, brak",
    "cs": "bez, žádný, žádné, vyhni",
    "ro": "fără, niciun, nicio",
    "hu": "semmilyen",
    "tr": "hiçbir",
    "vi": "không, không có, đừng, tránh",
    "id": "tanpa, tidak, jangan, bukan, hindari",
    "ru": "без, никаких, никакого, нет, не, избега*",
    "uk": "без, жодних, жодного, ніяких, немає, не, уникай*",
    "bg": "без, никакъв, няма, не",
    "el": "χωρίς, καμία, κανένα, όχι, μην, δίχως",
    "ar": "بدون, بلا, دون, لا, من غير, خالية من, ليس, خالي من",
    "fa": "بدون, بی, فاقد",
    "he": "בלי, ללא, אין, לא",
    "hi": "बिना, कोई नहीं, न",
    "ko": "말고*",
    "no": "uten, ingen, ikke, unngå",
    "hr": "bez, nema",
    "sk": "bez, žiadn*",
    "ms": "tanpa, tiada, jangan",
    "tl": "walang, wala, huwag",
    "sw": "bila, hakuna, usiweke",
    "bn": "কোনো নয়",
    "ur": "بنا, کوئی نہیں",
})
"""Negations and exclusions."""

NEGATION_AFTER: Mapping[str, str] = MappingProxyType({
    "ko": "없이*, 없는*, 없음*, 없어*, 금지*, 제외*, 넣지*, 빼고*, 없도록*",
    "tr": "olmadan, olmasın, yok, istemiyorum, içermesin, olmaksızın",
    "hi": "नहीं, रहित",
    "hu": "nélkül, nincs",
    "ur": "نہیں, بغیر",
    "bn": "ছাড়া, নেই",
    "en": "forbidden, not allowed, is absent",
    "fi": "puuttuu",
    "de": "verboten",
    "ja": "なし",
})
"""Negations that follow what they exclude."""

TEXTLESS: Mapping[str, str] = MappingProxyType({
    "en":
        "text-free, textless, text free, wordless, word-less, letterless, letter-less, unlabeled, unlabelled, "
        "captionless, unlettered, text-less",
    "de": "textfrei*, textlos*, wortlos*, unbeschriftet*, schriftfrei*",
    "nl": "tekstloos, tekstvrij*",
    "tr": "metinsiz, yazısız",
    "sv": "textfri*, textlös*",
    "da": "tekstfri*, tekstløs*",
    "fi": "tekstitön, tekstittömä*",
    "hu": "szövegmentes, felirat nélkül, feliratmentes",
    "ru": "безтекстов*",
})
"""Adjectives that exclude lettering."""

ROOM: Mapping[str, str] = MappingProxyType({
    "en":
        "space for, room for, area for, copy space, negative space for, place for, reserved for, placeholder for, "
        "space to add, ready for, suitable for, spot for, where text, space reserved for, text-safe, editing text",
    "de": "platz für, raum für, freiraum für, fläche für, bereich für",
    "es": "espacio para, lugar para, área para, espacio de",
    "fr": "espace pour, place pour, zone pour, espace de",
    "it": "spazio per, area per",
    "pt": "espaço para, área para, espaço de",
    "nl": "ruimte voor, plek voor",
    "sv": "plats för, utrymme för",
    "da": "plads til, plass til",
    "pl": "miejsce na, przestrze*",
    "cs": "místo pro, prostor pro",
    "ru": "место для, места для, место под, пространство для",
    "uk": "місце для, місце під",
    "tr": "için alan, için boşluk",
    "id": "ruang untuk, tempat untuk",
    "vi": "chỗ cho, không gian cho, khoảng trống cho",
    "ar": "مساحة ل, مكان ل",
    "ko": "여백*, 공간*",
})
"""Room left for copy that comes later."""

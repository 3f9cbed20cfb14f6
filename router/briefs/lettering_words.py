"""Words for lettering and for what makes it appear: nouns, verbs of reading, verbs of writing.

One entry per language, as text: terms are parted by commas, a star stands for any ending.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELD", "LETTERING", "PRINTED", "READS", "SAYS", "WRITTEN"]

LETTERING: Mapping[str, str] = MappingProxyType({
    "en":
        "text, lettering, inscription*, caption, captions, slogan*, tagline*, headline*, subtitle, subtitles, "
        "subheading*, subtitled, label text, call-out, call-outs, graffiti tag, body copy, cta, call to action, "
        "typography, text overlay, text label*, signage text, typographic, blurb, wordart, word art, lettered text, "
        "overlay text, equations, formulas, handwritten note*, button label*, caption text, texts, title text, "
        "signature text, copy text, subtitle text, inscribed text, scoreboard score, main title, watermark text, body "
        "text, the words, the word, the phrase, the phrases, the letters, the message, written on, written in, "
        "written across, written above, is written, was written, are written, words appear, line of words, english "
        "words, chinese characters, japanese characters, kanji characters, english letters, letters spelling, gothic "
        "letters, bold letters, block letters, neon letters, golden letters, gold letters, white letters, big "
        "letters, large letters, capital letters, cursive letters, handwritten letters, wooden letters, metal "
        "letters, red letters, black letters, blue letters, giant letters, 3d letters, balloon letters, glowing "
        "letters, in letters",
    "de":
        "texte, textes, aufschrift*, schriftzug*, beschriftung*, inschrift*, überschrift*, schlagzeile*, "
        "bildunterschrift*, untertitel*, slogan*, textfeld*, textfelder*, texteinblendung*, text-callouts, "
        "typografie, typografisch*, schriftart*, serifenschrift, wortmarke*, typo, fließtext, beschriftet, "
        "sprechtext, titelzeile, gravur mit, das wort, die worte, dem wort, den worten, den wörtern, die wörter, der "
        "satz, dem satz",
    "es":
        "texto, textos, rótulo*, inscripci*, eslogan, subtítulo*, encabezado*, tipografía, tipográfic*, rotulad*, "
        "letrero con el, la palabra, las palabras, la frase, el mensaje",
    "fr":
        "texte, textes, lettrage*, inscription*, slogan*, gros titre, sous-titre*, en-tête, texte du titre, "
        "typographie, typographique*, rotulé*, étiqueté*, le mot, les mots, la phrase, le message",
    "it":
        "testo, testi, scritta, scritte, iscrizion*, didascali*, slogan, sottotitol*, tipografic*, tipografia, "
        "lettering, dicitura*, slogan*, titolo in, la parola, le parole, la frase, il messaggio",
    "pt":
        "texto, textos, letreiro*, inscriç*, inscrição, manchete*, subtítulo*, dizeres, tipografia, tipográfic*, a "
        "palavra, as palavras, a frase, a mensagem",
    "nl":
        "tekst, teksten, belettering, opschrift*, inscriptie*, bijschrift*, slogan*, krantenkop, ondertitel*, "
        "typografie, lettertype*, koptekst, het woord, de woorden",
    "sv":
        "texten, texter, inskription*, påskrift*, bildtext*, slogan*, rubrik*, undertext*, typsnitt*, typografi*, "
        "ordet, orden",
    "da": "tekst, teksten, tekster, indskrift*, påskrift*, overskrift*, undertekst*, innskrift*, underteksten",
    "fi": "teksti*, tekstejä, kirjoitus*, otsikko*, kuvateksti*, iskulause*, tekstillä, tekstin, otsikko, iskulause",
    "pl": "tekst*, napis*, inskrypcj*, nagłów*, typografi*, czcionk*, słowo, słowem, słowa, słowami",
    "cs": "nápis*, titulek, titulk*, popisk*, nadpis*, textem, textu, textový*, slovo, slovem, slovy",
    "ro": "textul, inscripți*, slogan*",
    "hu": "szöveg*, felirat*, címsor*, szöveggel, felirattal, feliratú, feliratot",
    "tr":
        "metin, metni, metinler*, yazısı, yazılar*, yazıt*, başlık*, altyazı*, slogan*, ibare*, tipografi*, yazı "
        "tipi, fontu, yazılı",
    "vi": "chữ, dòng chữ, văn bản, phụ đề, chú thích, câu chữ, phông chữ",
    "id": "teks, tulisan*, slogan, subjudul, tipografi",
    "ru":
        "текст*, надпис*, заголов*, лозунг*, слоган*, субтитр*, выноск*, шрифт*, типограф*, слово, слова, словом, "
        "словами",
    "uk": "текст*, напис*, заголов*, гасл*, субтитр*, слово, словом, словами",
    "bg": "текст*, надпис*",
    "el": "κείμεν*, κειμέν*, επιγραφ*, λεζάντ*, σύνθημα",
    "no": "tekst, teksten, påskrift*, overskrift*, bildetekst*, slagord*",
    "ar":
        "نص, النص, نصوص, كتابة, الكتابة, عبارة, العبارة, كلمات, شعار مكتوب, بعبارة, بنص, عنوان, العنوان, بعنوان, "
        "تعليق, نصاً, نصا",
    "fa": "متن, نوشته, عبارت, شعار, عنوان, نوشتار",
    "he": "טקסט, הטקסט, כיתוב, הכיתוב, כתובת, סיסמה, הסיסמה, כותרת, הכותרת, כתוביות",
    "hi": "टेक्स्ट, पाठ, शीर्षक, नारा, कैप्शन, अक्षरों, इबारत, हेडलाइन",
    "bn": "লেখা, টেক্সট, শিরোনাম, স্লোগান",
    "ta": "எழுத்து*, உரை, தலைப்பு*, வாசகம்",
    "ur": "متن, تحریر, عبارت, عنوان",
    "ko":
        "텍스트*, 문구*, 글씨*, 글자*, 자막*, 헤드라인*, 슬로건*, 캡션*, 타이포그래피*, 레터링*, 표어*, 카피*, "
        "문자*",
    "sr": "tekst, natpis*, текст*, натпис*, naslov*",
    "hr": "natpis*, naslov*",
    "sk": "nápis*, textom",
    "ms": "teks, tulisan*, perkataan",
    "tl": "teksto, nakasulat*, salita",
    "sw": "maandishi, maneno",
    "ca": "rètol*, lletres, eslògan, inscripci*",
})
"""Lettering itself: naming it asks for legible text."""

FIELD: Mapping[str, str] = MappingProxyType({
    "en":
        "initials, monogram*, numerals, digits, words, word, letters, texts, footnote*, calligraphy, handwriting, "
        "wording, title, titles, name, number, numbers, letter, message, quote, phrase, phrases, date, year, heading, "
        "header, price, hashtag*, tag, saying, brand name, motto*, equation*, formula*, code, signature, logo text, "
        "greeting, brand, credits, timestamp, words of, sentence*, line of poetry, poem, poster copy, dialogue, "
        "score, verse, warning, alert, error message, notification, password, username, menu items, chant, speech "
        "bubble, thought bubble, speech balloon, word balloon, tabs, buttons",
    "de":
        "der name, die zahl, nummer, ziffer*, zitat, wort, worte, wörter, buchstabe*, handschrift, spruch, losung, "
        "wasserzeichen, anmerkung*, schild mit der, titeltext*, titelzeile, titel, logo-text, markenname*, preis, "
        "preise, kopfzeile, spielstand, nachricht, botschaft, meldung, warnung, name, sprechblase, gedankenblase",
    "es":
        "palabra*, letras, la letra, leyenda, lema, frase, el nombre, el número, número, dígito*, cifras, mensaje, "
        "caligrafía, marca de agua, marcas de agua, texto del título, título principal, titular, titulares, "
        "anotacion*, título, títulos, precio*, escritura, marcador, nombre, advertencia, bocadillo, globo de diálogo",
    "fr":
        "mot, mots, lettre*, légende*, phrase, le nom, le numéro, numéro, chiffre*, message, calligraphie, "
        "filigrane*, mention, accroche, le titre, titres, annotation*, titre principal, titre, écriture, nom, "
        "avertissement, bulle, phylactère",
    "it":
        "parola, parole, lettera, lettere, frase, il nome, il numero, numero, cifre, messaggio, calligrafia, "
        "filigran*, il titolo, titoli, annotazion*, titolo, caratteri, scrittura, prezzo, prezzi, nome, avviso, "
        "fumetto",
    "pt":
        "palavra*, letras, a letra, legenda*, lema, frase, o nome, o número, número, dígito*, mensagem, caligrafia, "
        "marca d'água, o título, anotaç*, título, títulos, preço*, nome, placar, aviso, balão de fala",
    "nl":
        "woord, woorden, letters, de letter, de naam, het getal, nummer, cijfer*, boodschap, watermerk*, de titel, "
        "titel, prijs, prijzen, naam, tekstballon",
    "sv": "ordet, orden, bokstav*, bokstäver*, namnet, siffr*, numret, vattenstämpel*, budskapet, titeln, titel",
    "da": "ordet, ordene, bogstav*, navnet, tallet, vandmærke*, bokstaver, vannmerke*",
    "fi": "sana, sanat, sanoja, kirjaim*, numero, vesileima*, nimi",
    "pl":
        "słowo, słowa, słów, słowem, słowami, liter, litery, literami, hasł*, tytułem, cyfr*, numer*, cytat*, znak "
        "wodny, znaków wodnych, imię, podpis*, tytuł*, ceny",
    "cs": "slovo, slova, slovem, slovy, písmen*, heslo, číslo, číslic*, vodoznak*",
    "ro": "cuvânt*, cuvinte*, litere*, titlul, legendă, numărul, mesajul",
    "hu": "szó, szavak*, betű*, szám, számok",
    "tr": "kelime*, sözcük*, harf*, numara*, rakam*, filigran*, yazı, isim, ismi",
    "vi": "tiêu đề, con số, chữ số, hình mờ, từ ngữ, khẩu hiệu",
    "id": "kata, kata-kata, huruf*, judul*, angka, tanda air, keterangan, nama",
    "ru":
        "слово, слова, словом, словами, слов, букв*, подпис*, фраз*, цифр*, номер, номером, числ*, водяны*, цитат*, "
        "названием, каллиграф*, название, названия, имя, именем, цена, цены, сообщени*, счёт",
    "uk": "слово, слова, словом, словами, літер*, букв*, цифр*, номер*, водян*, підпис*",
    "bg": "дума, думата, думите, букв*, заглави*, цифр*",
    "el": "λέξη, λέξεις, γράμμα*, γραμμάτ*, αριθμό*, υδατογράφ*, τίτλο*, τίτλος",
    "no": "ordet, ordene, navnet, tallet, tittelen, bokstav*",
    "ar": "كلمة, الكلمة, كلمتي, بكلمة, حروف, الحروف, حرف, رقم, الرقم, اسم, الاسم, شعار",
    "fa": "کلمه, کلمات, واژه, حروف, عدد, شماره, نام",
    "he": "המילה, המילים, מילה, מילים, אותיות, האות, המספר, השם",
    "hi": "शब्द, शब्दों, अक्षर, नाम, संख्या, अंक, नंबर",
    "ko": "단어*, 제목*, 이름*, 숫자*, 번호*, 타이틀*, 메시지*",
    "hr": "riječ*, riječi, slova",
})
"""A piece of copy that must be filled in to count: a name, a number, a title."""

READS: Mapping[str, str] = MappingProxyType({
    "en":
        "spelled, spelt, spelling out, spells out, which reads, spelling, that read, to read, which read, all read, "
        "it reads, captioned, proclaims, proclaiming, write the, writes the, writing the, that says, that say, which "
        "says, that reads, that spells, which spells, that writes, inscribed with the words",
    "de":
        "lautet, lautend, heißt es, besagt, steht geschrieben, zu lesen, darauf steht, auf dem steht, auf der steht, "
        "mit der aufschrift",
    "es":
        "diga, que dice, que diga, se lee, se lea, en el que pone, donde pone, que ponga, donde se lee, que se lea, "
        "donde dice, en la que pone, se puede leer, con la frase, con la palabra",
    "fr":
        "qui dit, on peut lire, on lit, lit-on, où il est écrit, où est écrit, sur lequel est écrit, est écrit, avec "
        "le mot, avec les mots",
    "it":
        "recita, che dice, si legge, con scritto, con la scritta, con su scritto, che recita, c'è scritto, si può "
        "leggere",
    "pt": "que diz, lê-se, está escrito, onde se lê, que diga, com os dizeres, pode-se ler, com a palavra",
    "nl": "luidt, waarop staat, met de tekst, met daarop, waar op staat",
    "sv": "lyder, där det står, som det står, med texten",
    "da": "lyder, hvor der står, med teksten, hvorpå der står",
    "fi": "lukee, lukisi, jossa lukee",
    "pl": "głosi, głoszą*, brzmi, czytamy, z napisem, na którym jest, napisane",
    "cs": "hlásá, zní, s nápisem, na které stojí, na kterém stojí, je napsáno, píše se",
    "ro": "scrie, pe care scrie, cu textul, pe care e scris",
    "hu": "olvasható, áll rajta, felirattal",
    "tr": "yazan, yazıyor, diyen, yazsın, okunan, yazdığı, yazılmış, okunuyor",
    "vi": "ghi chữ, có chữ, có dòng chữ, viết chữ, có ghi, với dòng chữ, đề chữ",
    "id": "bertuliskan, bertulis, berbunyi, tertulis, dengan tulisan, yang bertuliskan, yang berbunyi",
    "ru": "гласит, гласящ*, гласят, написано, читается, с надписью, написаны, надписью, на котором написано",
    "uk": "написано, свідчить, з написом",
    "el": "γράφει, αναγράφ*, που γράφει, που λέει, αναγράφεται",
    "bg": "гласи, пише, с надпис, написано",
    "no": "der det står, med teksten, hvor det står",
    "sk": "s nápisom, je napísané",
    "ms": "bertulis, tertulis",
    "ar": "مكتوب, مكتوبة, كتب, كُتب, يكتب, كتبت, مكتوباً",
    "fa": "نوشته شده, نوشته‌شده, نوشته",
    "he": "כתוב, כתובה, שכתוב, נכתב, רשום, שכתובה",
    "hi": "लिखा, लिखे, लिखी, लिखा हो, लिखकर",
    "ko": "적힌*, 적혀*, 쓰인*, 쓰여*, 써있*, 쓰여진*, 적히*, 새겨진*, 표기*",
    "bn": "লেখা আছে, লেখা",
    "ur": "لکھا, لکھی, لکھے",
    "tl": "nakasulat, nagsasabing",
    "sw": "yaliyoandikwa, imeandikwa, linalosema",
})
"""Verbs whose object is the copy."""

SAYS: Mapping[str, str] = MappingProxyType({
    "en": "says, saying, say, reads, reading, read, stating, writes, write, proclaiming",
    "de": "sagt, liest, zeigt, steht",
    "es": "dice, dicen, diciendo, muestra, indica, pone, dicta, reza, rezan",
    "fr": "dit, disant, affiche, affichant, indique, indiquant, proclame, portant",
    "it": "dice, dicono, legge, mostra, indica, riporta",
    "pt": "diz, dizendo, dizem, mostra, exibe, indica, escrito",
    "nl": "zegt, staat, toont, leest, vermeldt",
    "sv": "säger, står, läser",
    "da": "siger, står, sier",
    "fi": "sanoo",
    "pl": "mówi, mówiąc*",
    "cs": "říká, stojí",
    "ro": "spune",
    "vi": "ghi, viết, đề",
    "id": "mengatakan, menampilkan",
    "ru": "говорит, написал*",
    "uk": "каже",
    "el": "λέει",
    "ar": "يقرأ, تقول, يقول, تقرأ",
    "he": "האומר, שאומר, אומר",
})
"""Verbs that also tell of a speaker or a reader."""

WRITTEN: Mapping[str, str] = MappingProxyType({
    "en":
        "written, inscribed, hand-lettered, spelled out, scribbled, scrawled, lettered, written in, written on, "
        "written across, is written",
    "de": "geschrieben",
    "es": "escrito, escrita, escritos, escritas",
    "fr": "écrit, écrite, écrits, inscrit, inscrite",
    "it": "scritto, scritti",
    "cs": "napsáno, napsan*, vytištěn*",
    "pt": "escrito, escrita, escritos",
    "nl": "geschreven, handgeschreven",
    "sv": "skrivet, skriven",
    "da": "skrevet",
    "fi": "kirjoitettu*",
    "pl": "napisan*",
    "ro": "scris, scrisă",
    "hu": "írva",
    "tr": "yazılı, yazılmış",
    "vi": "được viết",
    "id": "ditulis",
    "ru": "написан*, начертан*, рукописн*",
    "uk": "написан*",
    "el": "γραμμέν*",
    "no": "skrevet",
    "hr": "napisan*, piše",
})
"""Participles of writing."""

PRINTED: Mapping[str, str] = MappingProxyType({
    "en":
        "displayed, overlaid, superimposed, appears, appear, formed by, formed from, painted, printed, engraved, "
        "etched, carved, stamped, embroidered, handwritten, typed, stenciled, stencilled, writing, labeled, labelled, "
        "marked, signed, bearing, bears, shows, showing, displays, displaying, announcing, announces, declaring, "
        "declares, exclaiming, spray-painted, tattooed, emblazoned, chalked, spelled out in, iced, piped, forming, "
        "stitched, branded, inscribed with, emblazoned with, engraved with, embroidered with, printed with, stating, "
        "wrote, listing, lists",
    "de":
        "gedruckt, aufgedruckt, graviert, eingraviert, gestickt, geprägt, steht, beschriftet, eingemeißelt, gemalt, "
        "handschriftlich*, handgeschrieben*",
    "es": "impreso, impresa, grabado, grabada, bordado, bordada, pintado, tallado",
    "fr": "imprimé, imprimée, gravé, gravée, brodé, brodée, affiché, peint, manuscrit*",
    "it": "stampato, stampata, inciso, incisa, ricamato, dipinto",
    "pt": "impresso, impressa, gravado, gravada, bordado, estampado, pintado",
    "nl": "gedrukt, gegraveerd, geborduurd",
    "sv": "tryckt, tryckta, graverat, broderat",
    "da": "trykt, graveret, broderet",
    "fi": "painettu, kaiverrettu",
    "pl": "wydrukowan*, wygrawerowan*, wyhaftowan*",
    "ro": "imprimat, gravat",
    "hu": "nyomtatott",
    "tr": "basılı, kazınmış, işlenmiş",
    "vi": "in trên, khắc",
    "id": "dicetak, diukir",
    "ru": "напечатан*, выгравирован*, вышит*",
    "uk": "надрукован*, вигравіруван*",
    "el": "τυπωμέν*, χαραγμέν*",
    "ar": "مطبوع, منقوش, محفور, مطرز",
    "he": "מודפס, חקוק, רקום",
    "hi": "छपा, उकेरा, अंकित",
    "fa": "چاپ شده, حک شده",
    "ko": "인쇄*, 각인*, 새긴*",
})
"""Participles of making that also serve pictures."""

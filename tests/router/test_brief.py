"""What prompts want legible, in many languages: sentences of our own."""

from __future__ import annotations

import pytest

from router.brief import read_brief
from router.briefs.spans import SpanKind

LEGIBLE = (
    "A wooden sign that says FRESH EGGS beside a farm gate",
    "A bakery window with the words warm bread daily painted on the glass",
    "Vintage travel poster, the headline reads Visit the Fjords",
    "A mug printed with the phrase Grandpa's Secret Recipe",
    "Neon sign reading open late above a diner",
    "Birthday cake with Happy 30th Maya written in icing",
    "A logo for a coffee roaster named Ember & Oak",
    "Book cover with the title The Last Lighthouse at the top and the author name R. Halloran below",
    "A protest placard saying our river is not for sale",
    "Infographic explaining the water cycle with labeled arrows",
    "Mobile app login screen with fields Email and Password and a button labeled Sign in",
    "A jersey with the number 23 on the back",
    "License plate reading KX 2041",
    "A restaurant menu listing Soup 4.50, Salad 6.00, Pasta 9.00",
    "The letter Q made of autumn leaves",
    'Movie poster titled "Midnight Harbor" with tagline "Some tides never turn"',
    "A chalkboard with the equation E = mc2",
    "Meme of a tired cat, top text: MONDAY AGAIN, bottom text: send coffee",
    "Ein Holzschild mit der Aufschrift Frische Eier vor einem Bauernhof",
    "Plakat, auf dem Sommerfest 2025 steht",
    'Ein T-Shirt mit dem Spruch "Ruhe bitte"',
    'Ein Neonschild, das "Geöffnet" lautet',
    "Un cartel de madera que dice Huevos Frescos junto a la puerta",
    "Una taza con la palabra Mamá escrita en letras azules",
    'Un letrero donde se lee "Cerrado por vacaciones"',
    "Une pancarte où il est écrit Bienvenue au village",
    'Une affiche avec le titre "Nuit des étoiles" en haut',
    "Un tee-shirt avec l'inscription Je préfère le thé",
    "Un cartello con la scritta Vietato fumare",
    'Una locandina con il titolo "Il vento del sud"',
    "Uma placa de madeira com os dizeres Pão Quentinho",
    'Uma camiseta com a frase "Hoje não" estampada',
    "Een houten bord waarop staat Verse Eieren",
    'Een poster met de tekst "Zomerfeest"',
    "En träskylt där det står Färska ägg",
    'En affisch med texten "Midsommar i parken"',
    "Et træskilt hvor der står Friske æg",
    'Et skilt med teksten "Åbent hele natten"',
    "Puinen kyltti, jossa lukee Tuoreet munat",
    'Juliste, jossa on teksti "Kesäjuhlat"',
    "Drewniana tablica z napisem Świeże jajka",
    'Plakat z tytułem "Noc w Krakowie"',
    "Dřevěná cedule s nápisem Čerstvá vejce",
    'Plakát, na kterém je napsáno "Letní slavnost"',
    "Un panou de lemn pe care scrie Ouă proaspete",
    'Egy fatábla "Friss tojás" felirattal',
    'Üzerinde "Taze Yumurta" yazan ahşap tabela',
    "Taze Ekmek yazılı bir dükkan tabelası",
    "Một tấm biển gỗ có dòng chữ Trứng tươi",
    "Papan kayu bertuliskan Telur Segar",
    "Деревянная вывеска с надписью Свежие яйца",
    "Плакат, на котором написано «Летний фестиваль»",
    "Дерев'яна вивіска з написом Свіжі яйця",
    "Дървена табела с надпис Пресни яйца",
    "Μια ξύλινη πινακίδα που γράφει Φρέσκα Αυγά",
    "لافتة خشبية مكتوب عليها بيض طازج",
    'ملصق بعنوان "مهرجان الصيف"',
    "שלט עץ שכתוב עליו ביצים טריות",
    "یک تابلو چوبی که روی آن نوشته شده تخم مرغ تازه",
    "एक लकड़ी का बोर्ड जिस पर ताज़े अंडे लिखा है",
    "ป้ายไม้ที่เขียนว่า ไข่สด",
    'โปสเตอร์ที่มีข้อความ "เทศกาลฤดูร้อน"',
    "木牌上写着新鲜鸡蛋",
    "海报标题为“夏日祭典”",
    "一件T恤，胸前印着「今天不行」",
    "新鮮な卵と書かれた木の看板",
    "「夏祭り」という文字が入ったポスター",
    "신선한 달걀이라고 적힌 나무 간판",
    '"여름 축제"라는 문구가 있는 포스터',
    'Kayu signboard dengan tulisan "Nasi Lemak"',
    'Isang karatula na may nakasulat na "Sariwang Itlog"',
    'Drvena ploča s natpisom "Svježa jaja"',
    'Et plakat med overskriften "Sommerfest"',
    "A coffee shop storefront called Bean There, morning light",
    "graffiti tag spelling ZEPHYR on a train car",
    "An app UI mockup for a budgeting tool with tabs Home, Savings, Profile",
    "A retro diner sign: EAT HERE",
    "YouTube thumbnail with huge text 10 MISTAKES",
    "Album cover for the band Night Parade, title in gothic letters",
    "Cereal box design, brand name Crunchy Moon",
    "a cake with the number 50 on top",
    "keyboard close-up with the letters QWERTY visible",
    "A newspaper front page with the headline MAN LANDS ON MARS",
    "Comic panel, speech bubble: Not again!",
    "a street sign that reads Elm Street",
    "Poster: bold headline GO FURTHER, subhead Run with us, footer www.example.org",
    "Handwritten note on the fridge saying buy milk",
    "A tombstone engraved with Here lies Bob",
    "tattoo of the word hope in script",
    "Zwei Kinder halten ein Banner, darauf steht Wir wollen Frieden",
    "Eine Tasse mit dem Wort Kaffee",
    'Logo der Bäckerei "Kornblume"',
    "Camiseta negra con el texto NO MOLESTAR",
    "Un néon bleu qui affiche OUVERT",
    "Une couverture de livre intitulée Le Dernier Train",
    'Copertina di un libro intitolato "La Casa Blu"',
    "Um outdoor escrito BEM-VINDO",
    "Plakat mit Überschrift, Datum und Ort des Konzerts",
    "Постер с крупным заголовком НОВЫЙ ГОД",
    "Футболка с принтом и надписью «Всё будет хорошо»",
    "Kubek z napisem KOCHAM KAWĘ",
    "Üzerinde HOŞ GELDİNİZ yazan bir kapı paspası",
    '咖啡馆的招牌上写着"时光咖啡"',
    "书的封面上有标题《山中岁月》",
    "红色横幅，上面写着 欢迎回家",
    "黒板に「明日はテスト」と書いてある",
    "カフェの看板に「OPEN」の文字",
    "카페 간판에 '봄날'이라고 쓰여 있다",
    'قميص مكتوب عليه "لا تستسلم"',
)
PLAIN = (
    "A farm gate at dawn, no text",
    "A minimalist poster of a mountain without any lettering",
    'Oil painting in the style of "The Great Wave", calm sea',
    'A portrait of a boxer nicknamed "Iron Pete"',
    'A girl whispering "come closer" to a fox',
    'The so-called "golden hour" over a canyon',
    "A man reading a newspaper on a bench",
    "A stack of old books on a desk",
    "A stop sign half buried in snow",
    'A cat named "Biscuit" asleep on a sofa',
    'A scene from the movie "Solaris", a lonely station',
    'He is shouting "run!" as the wave approaches',
    "Product shot of a perfume bottle, clean label, no words or logos",
    'A robot with an "attitude" leaning on a wall',
    "A letter lying on the table beside a candle",
    "Two people playing a word game by the fire",
    'An album called "Blue Rooms" inspired this abstract painting',
    "Photo of a typewriter on a desk",
    '"misty forest at dawn, cinematic lighting, 35mm"',
    "A hiker checking a map, text-free, no watermark, no captions",
    "Ein Bauernhof im Morgenlicht, kein Text, keine Buchstaben",
    "Ein Gemälde im Stil von „Die Sternennacht“",
    "Eine Katze namens „Mimi“ auf dem Sofa",
    "Una granja al amanecer, sin texto ni letras",
    'Un retrato de una mujer apodada "La Loba"',
    "Une ferme à l'aube, sans texte ni logo",
    "Une scène inspirée du film « Le Grand Bleu »",
    "Una fattoria all'alba, senza testo, senza scritte",
    'Un gatto di nome "Pippo" sul divano',
    "Uma fazenda ao amanhecer, sem texto, sem letras",
    "Een boerderij bij zonsopgang, zonder tekst",
    "En bondgård i gryningen, utan text",
    "En gård ved daggry, uden tekst",
    "Maatila aamunkoitteessa, ei tekstiä",
    "Farma o świcie, bez napisów i liter",
    "Farma za úsvitu, bez textu",
    "O fermă în zori, fără text",
    "Tanya hajnalban, szöveg nélkül",
    "Şafakta bir çiftlik, yazı olmasın",
    "Gün batımında bir sahil, metin yok",
    "Trang trại lúc bình minh, không có chữ",
    "Pertanian saat fajar, tanpa teks",
    "Ферма на рассвете, без текста и надписей",
    "Картина в стиле «Звёздная ночь»",
    "Ферма на світанку, без тексту",
    "Ферма на разсъмване, без текст",
    "Μια φάρμα την αυγή, χωρίς κείμενο",
    "مزرعة عند الفجر بدون نص",
    "חווה עם שחר, ללא טקסט",
    "مزرعه در سپیده دم بدون متن",
    "भोर में एक खेत, बिना किसी टेक्स्ट के",
    "ฟาร์มยามรุ่งอรุณ ไม่มีข้อความ",
    "黎明时的农场，不要文字",
    "一幅《清明上河图》风格的画",
    "夜明けの農場、文字なし",
    "映画「千と千尋」風の街並み",
    "새벽의 농장, 텍스트 없이",
    '"인셉션" 영화 같은 장면',
    "一个绰号叫“铁拳”的拳击手",
    "老人说：“快跑！”，背景是海浪",
    "A knight reading a letter by candlelight",
    "A wizard casting spells in a library full of scrolls",
    "Close-up of a typewriter, vintage mood",
    "The number of birds in the sky is large",
    "A title fight between two boxers in a packed arena",
    "A message in a bottle washed ashore",
    "A couple writing postcards at a cafe",
    "A poster-style illustration of a mountain, art deco",
    "In a word, serenity: a lake at dawn",
    "a man who says goodbye to his dog at the station",
    "portrait of a woman called Maria in the style of Vermeer",
    "a chalkboard-colored wall with a bicycle",
    "logo of a lion head, flat vector, no letters",
    "a street in Tokyo at night with neon lights",
    "A sign language interpreter on stage",
    "He named the ship after his daughter, stormy sea",
    "a tiger with the caption removed, no text at all",
    'A "dreamy" photograph of tulips',
    "The robot known as 'Unit Seven' walks through rain",
    "Product photo on white, leave space for text on the left",
    "Ein Mann liest Zeitung im Park",
    "Ein Mädchen namens Lotte spielt im Garten",
    "Un hombre leyendo un libro en un café",
    "Une femme qui dit au revoir sur un quai de gare",
    "Donna che legge un giornale al parco",
    "Мужчина читает газету в парке",
    "Девочка по имени Маша кормит котёнка",
    "Portret kobiety w stylu art deco, bez tekstu",
    "Gazete okuyan yaşlı bir adam",
    "一位老人在公园看报纸",
    "以“孤独”为主题的摄影作品",
    "新聞を読む老人、文字は入れない",
    "공원에서 신문을 읽는 노인, 글자 없이",
    "رجل يقرأ صحيفة في الحديقة",
)


@pytest.mark.parametrize("prompt", LEGIBLE)
def test_lettering_asked_for_is_seen(prompt: str) -> None:
    read = read_brief(prompt)
    assert read.needs_text
    assert read.rendered_words > 0


@pytest.mark.parametrize("prompt", PLAIN)
def test_what_is_not_to_be_lettered_is_left_alone(prompt: str) -> None:
    read = read_brief(prompt)
    assert not read.needs_text
    assert read.rendered_words == 0


def kinds(prompt: str) -> list[tuple[str, str]]:
    return [(prompt[span.start:span.end], span.kind.value) for span in read_brief(prompt).spans]


@pytest.mark.parametrize(("prompt", "copy"), [
    ("A tin sign that says FRESH FISH DAILY above a door", ["FRESH FISH DAILY"]),
    ("A tin sign that says fresh fish above a door", ["fresh fish"]),
    ("A mug printed with the phrase Grandpa's Secret Recipe", ["Grandpa's Secret Recipe"]),
    ('A poster with the headline "Run Free" and the line "Spring race"', ["Run Free", "Spring race"]),
    ("Ein Schild mit der Aufschrift „Bitte klopfen“", ["Bitte klopfen"]),
    ("Plakat, auf dem Sommerfest 2025 steht", ["Sommerfest 2025"]),
    ("En affisch med texten ”Vårens marknad”", ["Vårens marknad"]),
    ("Une enseigne « Chez Odile » au-dessus de la porte", ["Chez Odile"]),
    ("墙上写着“山海之间”四个大字", ["山海之间"]),
    ("「風の市」と書かれた暖簾", ["風の市"]),
    ('{"scene": "a harbour", "headline": "Set Sail", "style": "woodcut"}', ["Set Sail"]),
])
def test_the_very_words_are_found(prompt: str, copy: list[str]) -> None:
    assert [text for text, kind in kinds(prompt) if kind == SpanKind.RENDERED] == copy


@pytest.mark.parametrize(("prompt", "words"), [
    ("", 0),
    ("A tin sign that says FRESH FISH DAILY", 3),
    ("墙上写着“山海之间”", 2),
    ("墙上写着“山海之外”和“云”", 3),
    ('A banner reading "3 for 2 — today!"', 4),
    ("Infographic of a bee hive", 12),
    ("A page with bold lettering along the edge", 2),
])
def test_words_are_counted(prompt: str, words: int) -> None:
    assert read_brief(prompt).rendered_words == words


@pytest.mark.parametrize(("prompt", "kind"), [
    ("A farm, no text", SpanKind.NEGATION),
    ("A scene from the film 'Blue Harbour', dusk", SpanKind.TITLE),
    ('She whispers "come closer" to a fox', SpanKind.DIALOGUE),
    ('A robot with "attitude" in the rain', SpanKind.MENTION),
    ("An infographic of a bee hive", SpanKind.DESCRIBED),
])
def test_a_reading_is_explained(prompt: str, kind: SpanKind) -> None:
    assert kind in [span.kind for span in read_brief(prompt).spans]


def test_spans_lie_inside_the_prompt_in_order() -> None:
    for prompt in (*LEGIBLE, *PLAIN):
        spans = read_brief(prompt).spans
        assert all(0 <= span.start < span.end <= len(prompt) for span in spans)
        assert list(spans) == sorted(spans, key=lambda span: (span.start, span.end))


def test_other_lettering_excluded_leaves_the_lettering_asked_for() -> None:
    assert read_brief('A poster that says "Vernissage", no other text, no watermark').rendered_words == 1


def test_flaws_in_a_list_are_not_asked_for() -> None:
    assert not read_brief("A fox in snow. Negative: blurry, text, watermark, extra paws").needs_text


def test_a_sans_serif_is_no_negation() -> None:
    assert read_brief("A flyer with sans serif text along the top").needs_text


@pytest.mark.parametrize("marked", [
    'A banner that reads "Rivers never hurry"', 'A wall with the words "We were here" in paint',
    'The screen in front of it says, "Your tea is ready"', '木牌上刻着中文 "山高水长"',
])
def test_copy_is_found_without_its_marks(marked: str) -> None:
    bare = marked.replace('"', "")
    assert read_brief(bare).needs_text
    assert read_brief(marked).rendered_words <= read_brief(bare).rendered_words <= read_brief(marked).rendered_words + 2


def test_marks_around_the_whole_prompt_are_packaging() -> None:
    assert not read_brief('"a fox in the snow, 35mm, soft light"').needs_text


def test_json_syntax_is_not_a_quotation() -> None:
    assert not read_brief('{"subject": "a fox", "light": "soft", "text": "none", "camera": "35mm"}').needs_text


def test_layout_and_many_constraints() -> None:
    assert read_brief("A 2x2 grid with a header and a sidebar").strict_layout
    assert not read_brief("A fox in the snow").strict_layout
    assert read_brief("A fox in the snow, " * 10).complex_brief
    assert not read_brief("A fox in the snow").complex_brief


@pytest.mark.parametrize("prompt", [
    "\x00", "'" * 50, '"' * 51, "“" * 50, "İİİ sign that says İYİ", "\ud83d", "写着", "a" * 500,
])
def test_nothing_makes_it_fail(prompt: str) -> None:
    read = read_brief(prompt)
    assert all(0 <= span.start <= span.end <= len(prompt) for span in read.spans)

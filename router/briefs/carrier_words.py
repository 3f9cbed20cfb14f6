"""Words for what carries lettering, for copy that is described, and for layouts.

One entry per language, as text: terms are parted by commas, a star stands for any ending.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CARRIER", "LAYOUT", "OPEN_COPY", "SHORT_COPY"]

CARRIER: Mapping[str, str] = MappingProxyType({
    "en":
        "sign, signs, signage, signboard*, signpost, road sign, poster, posters, billboard*, banner*, placard*, "
        "plaque*, label, labels, sticker*, logo, logos, logotype, wordmark, t-shirt, tshirt, shirt, hoodie, jersey, "
        "mug, book cover, magazine, newspaper, front page, menu, menus, letterhead, invitation, postcard, flyer, "
        "leaflet, brochure, packaging, package, chalkboard, blackboard, whiteboard, screen, screens, marquee, "
        "shopfront, awning, license plate, number plate, tombstone, gravestone, headstone, ticket, receipt, badge, "
        "speech bubble*, thought bubble*, speech balloon*, dialogue bubble*, comic strip, meme, advertisement, "
        "advert, thumbnail, cover art, album cover, title card, website, webpage, web page, presentation, "
        "certificate, diploma, graffiti, bumper sticker, street sign, scoreboard*, sash, bookmark, quote card, "
        "greeting card, business card, lower third, ticker, keychain, tab, bar, window, door, wall, cup, box, page, "
        "pages, cover, cap, phone, bus, train, truck, taxi, shop, store, facade, bottle, tin, board, display, canvas, "
        "note, notebook, ad, app, bubble, panel, map, diagram, chart, flag, cake, card, bakery, cafe, café, neon, "
        "envelope, spine, slide, coin, stamp, medal, parchment, scroll, ribbon, laptop, monitor, storyboard, "
        "calendar, dashboard, overlay, button, ui, interface, necklace, pendant, balloon*, storefront*, mural, "
        "trophy, tattoo, store front, sweatshirt, apron, hull, license, collar, latte art, helmet, jar, can, book, "
        "cartoon, tray, pillow, name tag, nametag, name badge, bracelet, title page, sheet, post, tag, cookie*, "
        "frosting, icing, pedestal, headband, wrapper, skywriting, terminal, app icon, emblem, crest, brand, "
        "packages, tote bag, mailbox, sandwich board, chyron, watermark, tube, pouch, carton, perfume, vial, "
        "fragrance",
    "de":
        "schild, schilder, plakat*, poster, banner, etikett*, aufkleber, logo, logos, shirt, t-shirt, tasse, becher, "
        "buchcover, cover, titelseite, zeitung, speisekarte*, einladung*, karte, flyer, verpackung*, flasche, tafel, "
        "kreidetafel, bildschirm*, leuchtreklame*, neonschild*, ladenschild*, schaufenster, ladenfront, sprechblase*, "
        "gedenktafel, grabstein*, kennzeichen, anzeigetafel, werbung, werbeanzeige*, briefumschlag, brief, zettel, "
        "kuchen, torte, wegweiser, straßenschild, spruchband, fahne, trikot, schürze, quittung, magazin*, zitatkarte, "
        "thumbnail, button, flakon, fläschchen, dose, tube, schachtel, tüte, marke",
    "es":
        "cartel, carteles, letrero*, señal, señales, póster, afiche*, pancarta*, etiqueta*, pegatina*, logo, "
        "logotipo*, camiseta, taza, portada, periódico, revista, menú, carta, invitación, tarjeta, folleto, envase, "
        "botella, pizarra, pantalla, neón, escaparate, fachada, bocadillo*, globo de diálogo, placa, lápida, "
        "matrícula, anuncio, valla*, sobre, nota, pastel, bandera, tienda, cafetería, libro, frasco, caja, bolsa, "
        "tarro, marca",
    "fr":
        "panneau*, enseigne*, affiche*, poster, bannière*, banderole*, étiquette*, autocollant*, logo, logos, "
        "t-shirt, tasse, couverture, journal, magazine, menu, carte, invitation, prospectus, emballage, bouteille, "
        "ardoise, tableau noir, écran, néon, vitrine, devanture, bulle*, plaque*, pierre tombale, publicité, "
        "enveloppe, note, gâteau, drapeau, maillot, miniature, pancarte*, livre, flacon, boîte, sac, pot, marque",
    "it":
        "cartello, cartelli, insegna, insegne, poster, manifesto, locandina, striscione, etichetta, adesivo, logo, "
        "maglietta, tazza, copertina, giornale, rivista, menù, menu, invito, biglietto, volantino, confezione, "
        "bottiglia, lavagna, schermo, vetrina, fumetto, targa, lapide, pubblicità, busta, torta, bandiera, flacone, "
        "barattolo, scatola, marchio",
    "pt":
        "placa*, cartaz*, letreiro, pôster, faixa, etiqueta, rótulo*, adesivo, logotipo, logo, camiseta, caneca, "
        "capa, jornal, revista, cardápio, convite, cartão, folheto, embalagem, garrafa, lousa, quadro-negro, tela, "
        "vitrine, fachada, balão de fala, lápide, anúncio, outdoor, bolo, bandeira, frasco, caixa, pote, marca",
    "nl":
        "bord, borden, uithangbord, poster, affiche, spandoek, etiket*, sticker, logo, t-shirt, mok, omslag, krant, "
        "tijdschrift, menukaart, uitnodiging, kaart, verpakking, fles, schoolbord, scherm, etalage, tekstballon*, "
        "grafsteen, reclame, taart, vlag",
    "sv":
        "skylt*, affisch*, banderoll*, etikett*, klistermärke, logotyp*, tröja, mugg, omslag, tidning*, meny, "
        "inbjudan, flaska, tavla, skärm*, pratbubbla*, gravsten, reklam*, tårta",
    "da": "skilt*, plakat*, etiket*, logo, trøje, avis*, menukort, skærm*, taleboble*, tavle, kage",
    "fi": "kyltti*, kyltissä, juliste*, tarra, logo, paita, sanomaleh*, ruokalista, näyttö, puhekupla*, taulu",
    "pl":
        "znak, znaku, szyld*, tablic*, plakat*, baner*, etykiet*, naklejk*, logo, koszulk*, kubek, kubku, okładk*, "
        "gazet*, menu, zaproszeni*, ekran*, neon*, dymek, dymk*, witryn*, nagrob*, reklam*, kartk*, tort*",
    "cs":
        "cedul*, plakát*, transparent*, etiket*, nálepk*, logo, tričk*, hrnek, obálk*, noviny, novin*, obrazov*, "
        "tabul*, bublin*, dort*",
    "ro": "semn, panou*, afiș*, etichet*, tricou*, copert*, ziar*, ecran*",
    "hu": "tábla, táblán, plakát*, címke, póló*, újság*, képernyő*",
    "tr":
        "tabela*, levha*, poster*, afiş*, pankart*, etiket*, logo*, tişört*, kupa*, kapak, kapağ*, gazete*, menü*, "
        "ekran*, konuşma balon*, pano*, kutu*, şişe*, neon",
    "vi":
        "biển, biển báo, biển hiệu, áp phích, băng rôn, nhãn, áo thun, bìa, tờ báo, thực đơn, màn hình, bong bóng "
        "thoại, bảng",
    "id": "papan, spanduk, poster, stiker, kaos, sampul, koran, majalah, layar, balon kata, kemasan, label, plang",
    "ru":
        "знак, знаке, вывеск*, табличк*, плакат*, постер*, афиш*, баннер*, этикетк*, наклейк*, логотип*, футболк*, "
        "кружк*, обложк*, газет*, журнал*, меню, приглашени*, открытк*, упаковк*, бутылк*, доск*, экран*, неонов*, "
        "витрин*, облачк*, пузыр*, надгроби*, реклам*, торт*, флаг*, билборд*, майк*",
    "uk":
        "знак, вивіск*, табличк*, плакат*, постер*, банер*, етикетк*, логотип*, футболк*, обкладинк*, газет*, меню, "
        "екран*, дошк*, бульбашк*, реклам*",
    "el": "πινακίδ*, αφίσ*, ετικέτ*, λογότυπ*, μπλουζ*, εξώφυλλ*, εφημερίδ*, μενού, οθόν*, πανό",
    "bg": "знак, табел*, плакат*, етикет*, тениск*, вестник*, екран*",
    "ar": "لافتة, اللافتة, ملصق, لوحة, شعار, قميص, إعلان, غلاف, شاشة, كوب, لوحة إعلانية, بطاقة",
    "fa": "تابلو, پوستر, پلاکارد, لوگو, تیشرت, جلد, صفحه نمایش, بنر",
    "he": "שלט, השלט, פוסטר, לוגו, חולצה, חולצת, כרזה, מסך, כריכה, תווית",
    "hi": "बोर्ड, पोस्टर, साइनबोर्ड, बैनर, लोगो, टी-शर्ट, टीशर्ट, लेबल, स्क्रीन, कवर, तख्ती",
    "bn": "সাইনবোর্ড, পোস্টার, ব্যানার",
    "ur": "بورڈ, پوسٹر, بینر",
    "ko":
        "간판*, 포스터*, 표지*, 배너*, 현수막*, 로고*, 티셔츠*, 라벨*, 스티커*, 화면*, 칠판*, 메뉴판*, 팻말*, "
        "말풍선*, 전광판*",
    "no": "skilt*, plakat*, banner*, etikett*, t-skjorte*, skjerm*, tavle*",
    "hr": "znak, plakat*, majic*",
    "sk": "tabuľ*, plagát*, tričk*",
    "ms": "papan tanda, poster",
    "tl": "karatula, poster",
    "sw": "bango, kibao",
})
"""Things that often carry copy, and may carry none."""

OPEN_COPY: Mapping[str, str] = MappingProxyType({
    "en":
        "infographic, infographics, page of text, paragraph of text, paragraphs of text, lines of text, block of "
        "text, blocks of text, wall of text, text callouts, labeled diagram, labelled diagram, annotated diagram, "
        "numbered callouts, word cloud, mind map, periodic table, newspaper page, newspaper article, patent document, "
        "cheat sheet, fact sheet, step-by-step guide, conference poster, text boxes, text blocks, full alphabet, "
        "ingredients list, speech bubbles with dialogue, curriculum vitae, handwritten notes, info cards, information "
        "cards, infocard*, lorem ipsum, text-heavy, explanatory text, descriptive text, labeled parts, labels for "
        "each, alphabet, alphabet letters, callout labels, annotated, annotations, labelled parts, are labeled, is "
        "labeled, callouts, call-outs, labeled with, labelled with, spec sheet, specification sheet, text panels, "
        "comparison table, table of contents, quiz card, flashcards, flash card, bullet points, bullet-point, "
        "mathematical equations, text description, size labels, dimension labels, measurement labels, ingredient "
        "labels, data labels, captions for each, labels explaining, crossword puzzle, instruction manual page, recipe "
        "steps, word list, word search, leaflet text, program schedule, feature list, text content, article text, "
        "conversation bubbles, chat screenshot, chat messages, twitter post, ui elements with labels, lecture notes, "
        "infographic-style, summarize, summarise",
    "de":
        "infografik*, fließtext, textabsatz, beschriftetes diagramm, textblöcke, text-callouts, mindmap, "
        "periodensystem, zeitungsartikel, patentdokument, beschriftungen, informationskarten, infokarten, "
        "spickzettel, liedtext, alphabet*, patentzeichnung, informationskarte*, fasse zusammen",
    "es":
        "infografía*, infográfic*, página de texto, párrafo*, mapa mental, tabla periódica, artículo de periódico, "
        "tarjetas informativas, anotaciones, letra de la canción, diagrama etiquetado, etiquetado, etiquetados, "
        "etiquetadas, documento de patente, alfabeto, tarjetas de información, rotulados, rotuladas",
    "fr":
        "infographie*, page de texte, paragraphe*, carte mentale, tableau périodique, article de journal, fiches "
        "d'information, annotations, paroles, schéma légendé, légendé, légendés, document de brevet, cartes "
        "d'information, alphabet, fiches d'info, étiquettes explicatives",
    "it":
        "infografic*, pagina di testo, paragraf*, mappa mentale, tavola periodica, articolo di giornale, annotazioni, "
        "alfabeto",
    "pt":
        "infográfico*, página de texto, parágrafo*, mapa mental, tabela periódica, artigo de jornal, anotações, "
        "alfabeto",
    "nl": "infographic*, infografiek*, paragraaf, mindmap, periodiek systeem, krantenartikel",
    "sv": "infografik*, tidningsartikel",
    "da": "infografik*, avisartikel",
    "fi": "infografiikka*, infograafi*",
    "pl": "infografik*, akapit*, mapa myśli, układ okresowy",
    "cs": "infografik*, odstavec, odstavc*",
    "tr": "infografik*, bilgi grafiği, paragraf*, zihin haritası",
    "vi": "infographic, đồ họa thông tin, đoạn văn",
    "id": "infografis, paragraf, peta pikiran",
    "ru": "инфографик*, абзац*, таблица менделеева, конспект*, выносками",
    "uk": "інфографік*, абзац*",
    "el": "ενημερωτικό γράφημα, infographic",
    "ro": "infografic*",
    "hu": "infografika*",
    "ko": "인포그래픽*, 주석*, 라벨링*, 설명문*, 알파벳*",
    "ar": "إنفوجرافيك, انفوجرافيك, إنفوغرافيك",
    "he": "אינפוגרפיקה",
    "fa": "اینفوگرافیک",
    "hi": "इन्फोग्राफिक, इन्फोग्राफ़िक",
    "no": "infografikk*",
})
"""Works made of many words, none of which need be dictated."""

SHORT_COPY: Mapping[str, str] = MappingProxyType({
    "en":
        "captions, subtitles, annotation, signature line, price tags, headlines, nutrition label, brand logo text, "
        "title card, license plate reading",
})
"""Works of a few words, none of which need be dictated."""

LAYOUT: Mapping[str, str] = MappingProxyType({
    "en":
        "infographic*, flowchart, flow chart, org chart, bar chart, pie chart, line chart, charts, spreadsheet, "
        "dashboard, ui, user interface, wireframe, app screen, app interface, web page, webpage, website design, "
        "landing page, invoice, receipt, timeline, diagram, schematic, blueprint, grid, storyboard, comic strip, "
        "comic page, manga page, multi-panel, panels, collage, split-screen, split screen, diptych, triptych, contact "
        "sheet, moodboard, mood board, character sheet, reference sheet, calendar, schedule, bento, magazine spread, "
        "periodic table, scoreboard, certificate, business card, mind map, side-by-side, side by side, left panel, "
        "right panel, top panel, poster layout, exploded view, lower third, screenshot, exploded, turnaround, layout, "
        "page layout, quadrant*, section 1, panel 1, modules, footer, sidebar, navigation bar, top left, top-left, "
        "top right, top-right, bottom left, bottom-left, bottom right, bottom-right, two-column, three-column, 2x2, "
        "3x3, split into, divided into, left half, right half, lower half, upper half, infographic-style, grid of, "
        "slide, page design, mobile app",
    "de":
        "infografik*, flussdiagramm*, diagramm*, tabelle*, dashboard*, benutzeroberfläche*, speisekarte*, formular*, "
        "rechnung*, zeitleiste*, raster*, storyboard*, comicstrip*, collage*, layout*, kalender*, panels, panel, "
        "explosionsansicht*, screenshot*",
    "es":
        "infografía*, diagrama*, gráfico de, tabla*, interfaz, menú, formulario*, factura*, línea de tiempo, "
        "cuadrícula*, storyboard*, guion gráfico, collage, diseño de página, calendario, viñetas, paneles, panel, "
        "captura de pantalla",
    "fr":
        "infographie*, diagramme*, organigramme, graphique, tableau de, interface, menu, formulaire*, facture*, "
        "chronologie, frise, grille*, storyboard*, collage, mise en page, calendrier, panneaux, capture d'écran",
    "it":
        "infografic*, diagramma*, grafico, tabella*, interfaccia, modulo, fattura, griglia, storyboard, collage, "
        "impaginazione, calendario, pannelli",
    "pt":
        "infográfico*, diagrama*, gráfico de, tabela*, interface, cardápio, formulário*, fatura, grade, storyboard, "
        "colagem, calendário, painéis",
    "nl": "infographic*, diagram*, tabel*, formulier*, raster, storyboard*, collage, kalender*",
    "sv": "infografik*, diagram*, tabell*, formulär*, rutnät*, kalender*",
    "pl": "infografik*, diagram*, wykres*, tabel*, formularz*, siatk*, kolaż*, kalendarz*, interfejs*",
    "cs": "infografik*, diagram*, tabulk*, formulář*, mřížk*, koláž*, kalendář*",
    "tr": "infografik*, diyagram*, tablo*, arayüz*, takvim*, kolaj*, formu, formlar",
    "vi": "infographic, sơ đồ, bảng biểu, biểu đồ, giao diện, thực đơn, lịch",
    "id": "infografis, diagram, tabel, grafik, antarmuka, formulir, kalender, kolase",
    "ru":
        "инфографик*, диаграмм*, таблиц*, график*, интерфейс*, сетк*, раскадров*, коллаж*, календар*, схем*, форма "
        "заявки, анкета",
    "uk": "інфографік*, діаграм*, таблиц*, інтерфейс*, сітк*, колаж*, календар*, схем*",
})
"""Arrangements of several parts."""

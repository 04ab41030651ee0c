"""General language for the search: filler words, fixed phrases, and words for the verbs in the names of tools.

English (also colloquial), Spanish, French and German. Words for one area or operation stand in the phrasebook.
"""

from __future__ import annotations

from collections.abc import Mapping

STOPWORDS = """
    a an the this that these those it its is are was were be been being am i me my mine we us our ours you your
    he him his she her hers they them their someone somebody anyone everybody to of in on at by for from with as
    into onto and or but if then than so not no do does did done doing don doesn didn isn wasn have has had
    having can could will would shall should may might must let lets please pls thx thanks just also only still
    again already really actually ve re ll gonna want wanna need needs like id im ok okay hey hi oh some any
    there here about after before over under up out off down once very too one thing things called named where
    when while because how what klaviyo us el la los las un una unos unas de del al y o u en con por para que se
    su sus mi mis tu tus es son esta este estos estas ese esa lo le les me te nos hay como mas muy ya si no
    favor a le la les un une des du de d l et ou en dans sur avec pour par que qui ce cette ces se son sa ses
    mon ma mes notre nos votre vos est sont a au aux il elle on nous vous ne pas plus s y tous toutes tout j ai
    der die das den dem des ein eine einen einem einer und oder in im an am auf aus bei mit nach von vom zu zum
    zur fur ist sind war hat haben wir uns unser unsere ich mein meine mir du dein sie ihr es nicht auch noch
    mal bitte alle als wie was wer dass sich werden wird wurde
"""

PHRASES: Mapping[str, tuple[str, ...]] = {
    "": ("from now on", "as soon as", "as well as", "so that", "right away", "de ahora en adelante", "ab sofort"),
    "count": ("how many", "how much", "number of", "wie viele", "wie viel", "cuántos", "cuántas", "cuánto", "combien"),
    "optin": ("opt in", "opted in", "opting in", "opt ins", "opts in"),
    "optout": ("opt out", "opted out", "opting out", "opt outs", "opts out"),
    "signup": ("sign up", "signed up", "signing up", "sign ups", "signs up"),
    "delete": ("get rid of", "get rid", "throw away", "throw out"),
    "remove": ("take off", "kick out", "pull out", "take out"),
    "pause": ("turn off", "switch off", "shut off", "shut down"),
    "activate": ("turn on", "switch on", "go live", "set live"),
    "find": ("look up", "look for", "search for"),
    "create": ("set up", "spin up"),
    "update": ("mettre à jour", "mets à jour"),
    "duplicate": ("make a copy", "copy of"),
    "abandonedcart": ("abandoned cart", "cart abandonment", "carrito abandonado", "panier abandonné"),
    "winback": ("win back",),
    "backinstock": ("back in stock", "in stock again", "back on stock"),
    "soldout": ("sold out", "out of stock"),
    "popup": ("pop up", "pop ups"),
    "landingpage": ("landing page", "landing pages"),
    "webfeed": ("web feed", "web feeds"),
    "abtest": ("a/b test", "ab test", "split test"),
    "series": (
        "over time",
        "per day",
        "per week",
        "per month",
        "by day",
        "by week",
        "by month",
        "each day",
        "each week",
        "each month",
        "day by day",
        "week by week",
        "month by month",
        "every day",
        "every week",
        "every month",
        "pro tag",
        "pro woche",
        "pro monat",
        "por día",
        "por semana",
        "por mes",
        "par jour",
        "par semaine",
        "par mois",
    ),
    "openrate": ("open rate", "open rates", "tasa de apertura", "taux d ouverture"),
    "clickrate": ("click rate", "click through", "click rates"),
    "whatsapp": ("whats app",),
    "email": ("e mail", "e mails"),
    "textmessage": ("text message", "text messages"),
}
"""A word -> the phrases that the search reads as that word."""

VERBS: Mapping[str, str] = {
    "get": (
        "show list see view find check which display fetch read browse give tell pull open who zeig zeige "
        "anzeigen welche liste auflisten muestra mostrar ver cuáles listar enséñame dame montre afficher voir "
        "quels quelles lister donne"
    ),
    "create": (
        "make new add build set draft start register prepare generate design erstellen erstelle anlegen lege "
        "neu neue neuen hinzufügen crear crea nuevo nueva añadir agregar hacer créer crée nouveau nouvelle "
        "ajouter ajoute faire"
    ),
    "update": (
        "change edit rename modify adjust fix correct alter set switch tweak replace swap move ändern ändere "
        "bearbeiten umbenennen anpassen cambiar cambia editar modificar renombrar actualizar corregir "
        "modifier changer renommer corriger"
    ),
    "delete": (
        "remove kill drop trash erase wipe scrap bin destroy purge löschen lösche entfernen weg borrar borra "
        "eliminar elimina quitar supprimer supprime effacer efface enlever retirer"
    ),
    "add": (
        "put attach append include drop hinzufügen aufnehmen packen añadir añade agregar poner pon meter mete "
        "ajouter ajoute mettre mets"
    ),
    "remove": (
        "take kick detach pull drop out entfernen entferne rausnehmen nehmen quitar quita sacar saca retirer "
        "retire enlever enlève"
    ),
    "query": (
        "how did perform performance statistics numbers report rate compare trend figures stats well best "
        "worst top auswertung zahlen leistung rendimiento resultados estadísticas cifras résultats chiffres "
        "statistiques"
    ),
    "values": "total overall best top worst last month",
    "series": (
        "over time per day week month daily weekly monthly trend development chart graph verlauf evolución évolution"
    ),
    "bulk": "many batch mass several hundreds thousands once massen viele lote masivo masse lot",
    "jobs": "progress status finished running through done fortschritt",
    "job": "progress status finished running through done fortschritt",
    "clone": "copy duplicate reuse kopieren duplizieren kopie copiar duplicar copia copier dupliquer copie",
    "cancel": (
        "stop abort halt call off interrupt revoke abbrechen stoppen stopp cancelar parar detener annuler arrêter"
    ),
    "merge": "combine unite join dedupe duplicates zusammenführen zusammenlegen fusionar unir combinar fusionner",
    "tag": "label mark",
    "render": "preview show look vorschau anzeigen previsualizar vista previa aperçu prévisualiser",
    "subscribe": "optin signup anmelden eintragen suscribir apuntar inscrire abonner",
    "unsubscribe": "optout unsub stop abmelden austragen baja desuscribir désabonner désinscrire",
    "upload": "put hochladen subir télécharger envoyer",
    "refresh": "recalculate again new update",
    "send": (
        "launch fire ship blast deliver push schicken senden abschicken verschicken enviar manda mandar "
        "lanzar envoyer envoie lancer"
    ),
    "request": "ask",
}
"""A part of a tool's name -> words that people use for it."""

// Made from locale/de/LC_MESSAGES/django.po by `python -m tests.translations`.

import { learn } from "../words.js";

learn((n) => Number((n != 1)), {
  "The file is larger than %(most)s MiB.": "Die Datei ist größer als %(most)s MiB.",
  "%(count)s notification": [
    "%(count)s Benachrichtigung",
    "%(count)s Benachrichtigungen"
  ],
  "%(n)s s": "%(n)s s",
  "%(minutes)s min %(seconds)s s": "%(minutes)s min %(seconds)s s",
  "%(hours)s h %(minutes)s min": "%(hours)s h %(minutes)s min",
  "time\u0004now": "jetzt",
  "%(count)s s ago": "vor %(count)s s",
  "%(count)s min ago": "vor %(count)s min",
  "%(n)s min": "%(n)s min",
  "%(n)s h": "%(n)s h",
  "the answer": "die Antwort",
  "This device": "Dieses Gerät",
  "Approved %(tool)s.": "%(tool)s genehmigt.",
  "Denied %(tool)s.": "%(tool)s abgelehnt.",
  "Next try in": "Nächster Versuch in",
  "Retried at": "Erneut versucht um",
  "Was due at": "War fällig um",
  "It is selected: press Ctrl+C to copy it.": "Es ist markiert: mit Strg+C kopieren.",
  "Copied.": "Kopiert.",
  "The file could not be sent (%(status)s). Try again.": "Die Datei konnte nicht gesendet werden (%(status)s). Noch einmal versuchen.",
  "Remove %(name)s": "%(name)s entfernen",
  "%(name)s is attached.": "%(name)s ist angehängt.",
  "%(name)s was added.": "%(name)s wurde hinzugefügt.",
  "Waiting for the files…": "Warten auf die Dateien …",
  "No connection, kept as draft": "Keine Verbindung, als Entwurf behalten",
  "Error: %(title)s": "Fehler: %(title)s",
  "New step: %(latest)s": [
    "Neuer Schritt: %(latest)s",
    "%(count)s neue Schritte, der letzte: %(latest)s"
  ],
  "Approve with %(count)s change": [
    "Mit %(count)s Änderung genehmigen",
    "Mit %(count)s Änderungen genehmigen"
  ],
  "Approve unchanged": "Unverändert genehmigen",
  "Not live: signed out": "Nicht live: abgemeldet",
  "Not live: no longer there": "Nicht live: nicht mehr vorhanden",
  "Not live: too many open windows": "Nicht live: zu viele offene Fenster",
  "This page asked for too much at once. Back in a moment": "Diese Seite hat zu viel auf einmal angefragt. Gleich geht es weiter",
  "Not live": "Nicht live",
  "Live, every %(n)s s": "Live, alle %(n)s s",
  "Live": "Live",
  "%(count)s waiting": [
    "%(count)s wartet",
    "%(count)s warten"
  ],
  "Stopped the run of %(tool)s.": "Lauf von %(tool)s gestoppt.",
  "Decided %(tool)s.": "Über %(tool)s entschieden.",
  "%(count)s more like this": [
    "%(count)s weiterer wie dieser",
    "%(count)s weitere wie dieser"
  ],
  "Select all %(count)s": [
    "%(count)s auswählen",
    "Alle %(count)s auswählen"
  ],
  "Dismiss": "Schließen",
  "This call was decided meanwhile. What you typed was not sent; it can still be copied.": "Über diesen Aufruf wurde inzwischen entschieden. Das Eingegebene wurde nicht gesendet; es lässt sich noch kopieren.",
  "%(count)s selected": [
    "%(count)s ausgewählt",
    "%(count)s ausgewählt"
  ],
  "Approve %(count)s": [
    "%(count)s genehmigen",
    "%(count)s genehmigen"
  ],
  "Deny %(count)s": [
    "%(count)s ablehnen",
    "%(count)s ablehnen"
  ],
  "Checking…": "Wird geprüft …",
  "Offline since %(time)s": "Offline seit %(time)s",
  "Reload": "Neu laden",
  "As of %(time)s": "Stand: %(time)s",
  "no word yet · %(n)s s": "noch kein Wort · %(n)s s",
  "writing, ≈%(count)s token": [
    "schreibt, ≈%(count)s Token",
    "schreibt, ≈%(count)s Token"
  ],
  "%(count)s new step": [
    "%(count)s neuer Schritt",
    "%(count)s neue Schritte"
  ],
  "Attempt %(n)s": "Versuch %(n)s",
  "Model %(n)s": "Modell %(n)s",
  "%(model)s is writing": "%(model)s schreibt",
  "The run ended: %(status)s.": "Der Lauf ist beendet: %(status)s.",
  "step": [
    "Schritt",
    "Schritte"
  ],
  "The wait was cut short": "Die Wartezeit wurde abgekürzt",
  "Catching up, %(count)s step": [
    "Holt auf, %(count)s Schritt",
    "Holt auf, %(count)s Schritte"
  ],
  "Catching up": "Holt auf",
  "Nothing is stored: %(reason)s": "Nichts wird gespeichert: %(reason)s",
  "%(count)s new run ↑": [
    "%(count)s neuer Lauf ↑",
    "%(count)s neue Läufe ↑"
  ],
  "The run waits for you.": "Der Lauf wartet auf eine Entscheidung.",
  "A new message.": "Eine neue Nachricht.",
  "You had typed, and it was not sent:": "Eingegeben, aber nicht gesendet:",
  "The browser does not allow notifications of this site. Its settings for the site can change that.": "Der Browser erlaubt dieser Site keine Benachrichtigungen. Seine Einstellungen für die Site können das ändern.",
  "The browser could not subscribe: %(reason)s": "Der Browser konnte kein Abonnement anlegen: %(reason)s",
  "This browser has no web push. On an iPhone, add the site to the home screen first.": "Dieser Browser kann kein Web Push. Auf einem iPhone die Site zuerst zum Home-Bildschirm hinzufügen.",
  "Browsers allow this only over https, and on localhost.": "Browser erlauben das nur über https und auf localhost.",
  "Step %(n)s of %(last)s": "Schritt %(n)s von %(last)s",
  "No connection. Try again.": "Keine Verbindung. Noch einmal versuchen.",
  "Only the first %(n)s are taken.": "Nur die ersten %(n)s werden genommen.",
  "All have ended.": "Alle sind beendet.",
  "It has ended.": "Er ist beendet.",
  "%(count)s has ended.": [
    "%(count)s ist beendet.",
    "%(count)s sind beendet."
  ],
  "Select a piece of the task first.": "Zuerst ein Stück der Aufgabe markieren.",
  "The server could not read this. It may be too long: a task may have 256 KiB.": "Der Server konnte das nicht lesen. Vielleicht ist es zu lang: eine Aufgabe darf 256 KiB haben.",
  "This was refused. Your sign-in may have changed: reload the page and try again.": "Das wurde verweigert. Vielleicht hat sich die Anmeldung geändert: die Seite neu laden und es noch einmal versuchen.",
  "This does not exist any more.": "Das gibt es nicht mehr.",
  "A proxy in front of this site answers in its place (%(status)s): it does not reach the site. Nothing you typed is lost: try again in a moment.": "Ein Proxy vor dieser Website antwortet an ihrer Stelle (%(status)s): er erreicht sie nicht. Nichts Eingegebenes ist verloren: gleich noch einmal versuchen.",
  "A proxy in front of this site refused this as too large (413); the site has not seen it. Nothing you typed is lost: shorten it, or have the proxy's limit raised.": "Ein Proxy vor dieser Website hat das als zu groß abgelehnt (413); die Website hat es nicht gesehen. Nichts Eingegebenes ist verloren: kürzen, oder die Grenze des Proxys erhöhen lassen.",
  "The server answered %(status)s. Nothing was lost: try again.": "Der Server hat mit %(status)s geantwortet. Nichts ist verloren: noch einmal versuchen.",
  "A sound tells when something waits for you": "Ein Ton meldet, wenn etwas wartet",
  "No sound": "Kein Ton"
});

"""The sentences of conversations with an invented travel and dining brand, and who says them."""

from __future__ import annotations

ACCOUNT = "90210042"
WELCOME = "b Welcome! A colleague will be with you in a moment."
CARD = "4111 1111 1111 1111"

AGENTS = (("3601", "Mara Lindqvist"), ("3602", "Tomás Rivera"), ("3603", "Aiko Tanaka"), ("3604", "Jonas Weiß"))
CUSTOMERS = ("Priya Nair", "Łukasz Zieliński", "Fatima Haddad", "Oliver Grant", "Chloé Martin", "Björn Dahl")
BOT = ("3699", "Welcome Bot")
CHANNELS = ("SHARK", "APP", "WHATSAPP", "SMS")
SKILLS = {"Restaurants": 501, "Hotels": 502, "Flights": 503, "Billing": 504}

# (skill, turns). The first letter of a turn is its speaker or kind: c customer, a agent, n private note, r rich card,
# f file, h HTML, l link, q quick replies, s secure form. {card} is a card number, which is masked at the close.
SCRIPTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Restaurants", (
        "c Hi, I would like a table for four tonight, around eight.",
        "q Happy to help. Any preference for the kitchen?|Italian|Indian|Vegan",
        "c Italian if possible, and one of us needs a gluten-free menu.",
        "a Trattoria Sole has a table for four at 20:15. Shall I book it?",
        "c Yes please, thank you!",
        "a Done, your reservation number is TS-{number}. Enjoy your evening.",
    )),
    ("Restaurants", (
        "c Can I move my reservation from Friday to Saturday?",
        "a Of course. For how many people?",
        "c Six now, we were four.",
        "n Guest is a regular, offer the window table.",
        "a I have reserved the window table for six on Saturday at 19:00.",
        "c Wonderful, you are the best.",
    )),
    ("Hotels", (
        "c I want to book a hotel in Lisbon for the last week of the month.",
        "a Sure, how many nights and guests?",
        "c Five nights, two adults.",
        "l https://travel.example/lisbon|Hotels in Lisbon",
        "r Casa do Rio — river view, 4 stars|Book now|More photos",
        "c The first one looks great, please book it.",
        "a Booked. You can cancel free of charge until two days before arrival.",
    )),
    ("Hotels", (
        "c I need to cancel my hotel booking, my plans changed.",
        "a I am sorry to hear that. Booking HX-{number}, correct?",
        "c Yes. Will I get a full refund?",
        "a As you cancel in time, the refund of {amount} EUR reaches you within five days.",
        "c Perfect, merci beaucoup!",
    )),
    ("Flights", (
        "c My suitcase arrived damaged, what can I do?",
        "a That is annoying, sorry. Could you send a photo?",
        "f damaged suitcase",
        "a Thank you. I opened claim CL-{number} for you.",
        "s Your bank details for the compensation",
        "c How long does it take?",
        "a Usually ten days; you will get an e-mail.",
    )),
    ("Flights", (
        "c The flight to Oslo was delayed by five hours. This is not acceptable!",
        "a I understand, that must have been a long night.",
        "c I expect compensation, otherwise my lawyer will write to you.",
        "n Possible escalation, mentions a lawyer.",
        "a You are entitled to {amount} EUR. I started the transfer.",
        "c Thank you for the quick reply.",
    )),
    ("Billing", (
        "c I was charged twice for order {number}.",
        "a Let me look into it. Which card did you use?",
        "c The one with {card}.",
        "a You are right, there is a double charge of {amount} EUR. I have refunded it.",
        "c Great, when will I see the money?",
        "a In three to five business days.",
    )),
    ("Billing", (
        "c Ich brauche eine Rechnung für meine Reise nach Köln, bitte.",
        "h <p>Gerne! Auf welchen <b>Namen</b> soll ich sie ausstellen?</p>",
        "c Auf die Straßenbau Süd GmbH.",
        "a Ist unterwegs, Rechnungsnummer R-{number}.",
        "c Danke schön!",
    )),
)  # fmt: skip

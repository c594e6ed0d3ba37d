"""Documents and queries for the search, used on both databases."""

from typing import Any

from runs.agent.files.extraction import Extraction
from runs.engine.files.uploads import add_passages
from runs.models import StoredFile

DOCUMENTS = {
    "refunds.txt": "Refunds are paid within 30 days. A refund needs the receipt.",
    "shipping.txt": "Parcels arrive within 5 days. Express parcels cost more.",
    "holidays.txt": "Every employee has 28 days of holiday a year, and may carry over 5 days.",
    "german.txt": "Der Versand nach Österreich kostet 9 Euro. Größere Pakete werden gewogen.",
    "chinese.txt": "退款政策：客户可以在三十天内退款。运费由公司承担。",
    "japanese.txt": "返品は購入から三十日以内に受け付けます。",
    "thai.txt": "การคืนเงินใช้เวลาสามสิบวัน",
    "hindi.txt": "धनवापसी तीस दिनों में होती है",
    "arabic.txt": "يتم رد الأموال خلال ثلاثين يوما",
    "greek.txt": "Οι επιστροφές χρημάτων γίνονται σε τριάντα ημέρες. ΟΔΟΣ",
    "code.txt": "def total_amount(rows): return sum(row.amount for row in rows)  # v2.0.1",
}
CASES: dict[str, list[str]] = {
    "refund": ["refunds.txt"],
    "What do the documents say about refunds?": ["refunds.txt"],
    "REFUNDED": ["refunds.txt"],
    "parcel express": ["shipping.txt"],
    "days of holiday": ["holidays.txt"],
    "österreich": ["german.txt"],
    "grösser": ["german.txt"],
    "größere": ["german.txt"],
    "GRÖSSERE": ["german.txt"],
    "退款": ["chinese.txt"],
    "退": ["chinese.txt"],
    "运费": ["chinese.txt"],
    "返品": ["japanese.txt"],
    "คืนเงิน": ["thai.txt"],
    "धनवापसी": ["hindi.txt"],
    "الأموال": ["arabic.txt"],
    "επιστροφές": ["greek.txt"],
    "οδός": [],
    "οδος": ["greek.txt"],
    "total amount": ["code.txt"],
    "nothing like that": [],
    "": [],
    "???": [],
}


def store(user: Any) -> None:
    """Store the documents as ready files."""
    for name, text in DOCUMENTS.items():
        file = StoredFile.objects.create(user=user, name=name, size=len(text), state=StoredFile.State.READY)
        add_passages(file, Extraction([("line 1", text)]))


COMPLETE: dict[str, list[str]] = {
    "refunds receipt": ["refunds.txt"],
    "days": ["holidays.txt", "refunds.txt", "shipping.txt"],
    "paying days": [],
    "carried over": ["holidays.txt"],
    "parcels days": ["shipping.txt"],
    "parcels refunds": [],
    "österreich versand": ["german.txt"],
    "退款": ["chinese.txt"],
    "total amount": ["code.txt"],
    "": [],
}
"""The documents with all words of a query, in one of their forms."""

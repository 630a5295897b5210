"""WhatsApp's own words in an export: omitted and attached files, edited, deleted, polls. Data only.

Source: exports as WhatsApp for Android and iOS write them in each language. A language that is missing here
is still read where the form speaks for itself (said.py): a U+200E before the words, or a name that the ZIP holds.
"""

# ruff: noqa: RUF001, SIM905 - the letters are those of the languages; a table of words is read best as words

# Android without media; one text for every kind. Spanish first, then by size.
OMITTED = frozenset(
    text.casefold()
    for text in (
        "<Multimedia omitido>",
        "<Archivo omitido>",
        "<Media omitted>",
        "<Mídia oculta>",
        "<Mídia omitida>",
        "<Arquivo de mídia oculto>",
        "<Ficheiro não revelado>",
        "<Médias omis>",
        "<Fichier omis>",
        "<Medien ausgeschlossen>",
        "<Medien weggelassen>",
        "<Media omessi>",
        "<Media weggelaten>",
        "<Без медиафайлов>",
        "<Без медіафайлів>",
        "<Medya dahil edilmedi>",
        "<Medya atlanmış>",
        "<Media tidak disertakan>",
        "<Media disingkirkan>",
        "<Pominięto multimedia>",
        "<pominięto multimedia>",
        "<メディアは含まれていません>",
        "<미디어 파일을 생략한 대화내용>",
        "<省略多媒體檔案>",
        "<省略多媒体文件>",
        "<媒体文件已省略>",
        "<تم استبعاد الوسائط>",
        "<המדיה לא נכללה>",
        "<رسانه حذف شد>",
        "<पिक्चर छोड़ दिए गए>",
        "<मीडिया छोड़ा गया>",
        "<Mediafiler har utelämnats>",
        "<Media udeladt>",
        "<Medier utelatt>",
        "<Media jätettiin pois>",
        "<Média vynechány>",
        "<Médiafájl kihagyva>",
        "<Fără media>",
        "<Τα πολυμέσα παραλείφθηκαν>",
        "<Phương tiện đã bị bỏ qua>",
        "<ไม่รวมสื่อ>",
    )
)

# iOS without media: the kind is named. Kinds are Meta's message types.
OMITTED_KINDS = {
    text.casefold(): kind
    for kind, texts in {
        "image": (
            "imagen omitida|foto omitida|image omitted|imagem ocultada|imagem omitida|image absente|Bild weggelassen|"
            "immagine omessa|afbeelding weggelaten|изображение отсутствует|зображення відсутнє|görüntü dahil edilmedi|"
            "画像は省略されました|圖片已省略|图片已省略|忽略图片|이미지 생략됨|تم استبعاد الصورة|الصورة غير مشمولة|תמונה הושמטה|התמונה הושמטה|"
            "bild utelämnad|gambar tidak disertakan|obraz pominięto|pominięto obraz"
        ),
        "video": (
            "video omitido|Video omitido|video omitted|vídeo omitido|vidéo absente|Video weggelassen|video omesso|"
            "video weggelaten|видео отсутствует|відео відсутнє|video dahil edilmedi|動画は省略されました|影片已省略|视频已省略|"
            "忽略视频|동영상 생략됨|비디오 생략됨|تم استبعاد الفيديو|الفيديو غير مشمول|הסרטון הושמט|סרטון הושמט|"
            "nota de video omitida|video note omitted|video utelämnad|video tidak disertakan|pominięto wideo"
        ),
        "audio": (
            "audio omitido|audio omitted|áudio ocultado|áudio omitido|audio absent|Audio weggelassen|audio omesso|"
            "audio weggelaten|аудио отсутствует|аудіо відсутнє|ses dahil edilmedi|音声メッセージは省略されました|音声は省略されました|"
            "語音訊息已省略|音频已省略|忽略语音|오디오 생략됨|تم استبعاد المقطع الصوتي|الصوت غير مشمول|הקלטה הושמטה|השמע הושמט|"
            "ljud utelämnat|audio tidak disertakan|pominięto audio"
        ),
        "sticker": (
            "sticker omitido|sticker omitted|figurinha omitida|sticker absent|Sticker weggelassen|sticker omesso|"
            "sticker weggelaten|стикер отсутствует|наліпка відсутня|çıkartma dahil edilmedi|スタンプは省略されました|"
            "貼圖已省略|贴图已省略|스티커 생략됨|تم استبعاد الملصق|סטיקר הושמט|stiker tidak disertakan"
        ),
        "document": (
            "documento omitido|document omitted|documento ocultado|document absent|Dokument weggelassen|documento omesso|"
            "document weggelaten|документ отсутствует|документ відсутній|belge dahil edilmedi|文書は省略されました|文件已省略|"
            "문서 생략됨|تم استبعاد المستند|מסמך הושמט|dokumen tidak disertakan|"
            "Tarjeta de contacto omitida|contact card omitted|cartão do contato omitido|fiche contact absente|"
            "Kontaktkarte weggelassen|scheda contatto omessa|контакт отсутствует|連絡先カードは省略されました|聯絡人名片已省略|연락처 카드 생략됨"
        ),
        "gif": (
            "GIF omitido|GIF omitted|GIF omitida|GIF absent|GIF weggelassen|GIF omesso|GIF weggelaten|GIF отсутствует|"
            "GIF dahil edilmedi|GIFは省略されました|GIF已省略|GIF 생략됨|تم استبعاد GIF|GIF הושמט"
        ),
    }.items()
    for text in texts.split("|")
}

# What stands in brackets behind a file's name on Android.
ATTACHED = frozenset(
    text.casefold()
    for text in (
        "archivo adjunto|adjunto|file attached|arquivo anexado|ficheiro anexado|fichier joint|Datei angehängt|file allegato|"
        "bestand bijgevoegd|файл добавлен|файл прикреплён|файл додано|dosya ekli|ekli dosya|file terlampir|plik dołączony|"
        "załączono plik|添付ファイル|ファイル添付|附件檔案|檔案已附加|文件附件|文件已附加|파일 첨부됨|파일첨부|الملف مرفق|ملف مرفق|קובץ מצורף|"
        "הקובץ צורף|فایل پیوست شده|फ़ाइल संलग्न|fil bifogad|fil vedhæftet|fil vedlagt|tiedosto liitetty|soubor připojen|"
        "csatolt fájl|fișier atașat|συνημμένο αρχείο|tệp đính kèm|แนบไฟล์แล้ว"
    ).split("|")
)

# What Android and iOS put behind a text that was changed.
EDITED = tuple(
    f"<{text}>"
    for text in (
        "Se editó este mensaje.|Se editó este mensaje|Mensaje editado|Editaste este mensaje|This message was edited|"
        "You edited this message|Mensagem editada|Esta mensagem foi editada|Ce message a été modifié|Message modifié|"
        "Diese Nachricht wurde bearbeitet|Questo messaggio è stato modificato|Dit bericht is bewerkt|"
        "Сообщение изменено|Данное сообщение изменено|Bu mesaj düzenlendi|このメッセージは編集されました|此訊息已編輯|此消息已编辑|"
        "이 메시지는 수정되었습니다|تم تعديل هذه الرسالة|הודעה זו נערכה|Pesan ini diedit|Ta wiadomość została edytowana"
    ).split("|")
)

# What stands in place of a text that was taken back.
DELETED = frozenset(
    text.casefold()
    for text in (
        "Se eliminó este mensaje|Eliminaste este mensaje|Este mensaje fue eliminado|Mensaje eliminado|"
        "This message was deleted|You deleted this message|Mensagem apagada|Você apagou esta mensagem|"
        "Esta mensagem foi apagada|Apagou esta mensagem|Ce message a été supprimé|Vous avez supprimé ce message|"
        "Diese Nachricht wurde gelöscht|Du hast diese Nachricht gelöscht|Questo messaggio è stato eliminato|"
        "Hai eliminato questo messaggio|Dit bericht is verwijderd|U hebt dit bericht verwijderd|Je hebt dit bericht verwijderd|"
        "Данное сообщение удалено|Сообщение удалено|Вы удалили данное сообщение|Це повідомлення видалено|"
        "Bu mesaj silindi|Bu mesajı sildiniz|このメッセージは削除されました|このメッセージを削除しました|已刪除此訊息|此訊息已被刪除|你已刪除此訊息|"
        "此消息已删除|您删除了此消息|삭제된 메시지입니다|이 메시지를 삭제했습니다|تم حذف هذه الرسالة|لقد حذفت هذه الرسالة|"
        "הודעה זו נמחקה|מחקת הודעה זו|این پیام حذف شد|यह मैसेज मिटाया गया|Pesan ini dihapus|Anda menghapus pesan ini|"
        "Ta wiadomość została usunięta|Usunięto tę wiadomość"
    ).split("|")
)

# First line of a poll; its options follow, one a line.
POLL = frozenset(
    "encuesta poll enquete sondage umfrage sondaggio опрос опитування anket アンケート 投票 투표 استطلاع סקר نظرسنجی polling ankieta"
    " omröstning afstemning avstemning kysely anketa szavazás sondaj δημοσκόπηση".split()
)

# Stems of the notice that every chat begins with; in some languages it holds a colon.
ENCRYPTED = ("cifrad", "encrypt", "criptograf", "chiffr", "verschlüssel", "crittograf", "versleuteld", "шифр", "şifrel",
             "暗号化", "加密", "암호화", "مشف", "מוצפנ", "رمزگذاری", "एन्क्रिप्ट", "terenkripsi", "zaszyfr")  # fmt: skip

# In front of the other person's or the group's name in the name of the file.
TITLES = (
    "Chat de WhatsApp con el grupo ",
    "Chat de WhatsApp con ",
    "Conversación de WhatsApp con ",
    "Chat de WhatsApp - ",
    "WhatsApp Chat with ",
    "WhatsApp Chat - ",
    "WhatsApp-Chat mit ",
    "WhatsApp - ",
    "Conversa do WhatsApp com ",
    "Conversa do WhatsApp - ",
    "Discussion WhatsApp avec ",
    "Discussion WhatsApp - ",
    "Chat WhatsApp con ",
    "Chat WhatsApp - ",
    "WhatsApp-chat met ",
    "Чат WhatsApp с ",
    "WhatsApp Sohbeti - ",
)

"""Meta's error codes, each with what we do and the words for it in Spanish.

Source: Meta, WhatsApp Cloud API, "Error codes" (2025-12-12), 131062 "Business-scoped user IDs", 2593109 webhook
`history`; 131042 also AWS End User Messaging Social user guide, "Troubleshooting" (often transient).
"""

from enum import StrEnum


class Action(StrEnum):
    """What the system does about an error, from gentlest to hardest."""

    SHOW = "show"  # keep the message, show what happened
    MARK = "mark"  # this message failed for good; the person may try another way
    BACK_OFF = "back_off"  # transient: later, with jitter
    DELAY_RECIPIENT = "delay_recipient"  # this person only; others go on
    SLOW_NUMBER = "slow_number"  # the number's rate is too high
    WAIT_DAY = "wait_day"  # not before 24 h have passed
    OFFER_TEMPLATE = "offer_template"  # the window is shut: our guard failed
    OPT_OUT = "opt_out"  # the person said no: write it down, never again
    FIX_MEDIA = "fix_media"
    DEAD_LETTER = "dead_letter"  # our request is wrong: no retry
    BLOCK_TEMPLATE = "block_template"
    BLOCK_FLOW = "block_flow"
    SHOW_EDITOR = "show_editor"  # a template could not be created
    STOP_BULK = "stop_bulk"  # stop everything that is not an answer
    ALARM = "alarm"  # a person must act; few retries
    RUNBOOK = "runbook"  # registration of the number: the runbook says how
    STOP = "stop"  # no permission: stop sending, page
    BREAK_CIRCUIT = "break_circuit"  # the account is blocked: stop all sends, page
    PARK = "park"  # unknown: keep it aside and tell


TABLE: tuple[tuple[Action, str, str, tuple[int, ...]], ...] = (
    (
        Action.OFFER_TEMPLATE,
        "Pasaron más de 24 horas desde el último mensaje de la persona",
        "Envía una plantilla aprobada o espera a que escriba",
        (131047, 470),
    ),
    (
        Action.DELAY_RECIPIENT,
        "Demasiados mensajes seguidos a la misma persona",
        "Se enviará más tarde; los demás chats siguen",
        (131056,),
    ),
    (
        Action.SLOW_NUMBER,
        "El número alcanzó su límite de envíos por segundo",
        "Se enviará más tarde, más despacio",
        (130429,),
    ),
    (
        Action.SLOW_NUMBER,
        "La cuenta alcanzó su límite de llamadas a Meta",
        "Se enviará más tarde, más despacio",
        (4, 80007),
    ),
    (
        Action.STOP_BULK,
        "Meta limitó el número porque muchas personas lo bloquearon o reportaron",
        "Detén los envíos masivos y revisa su contenido",
        (131048,),
    ),
    (
        Action.WAIT_DAY,
        "Meta no lo entregó para cuidar la experiencia de la persona",
        "Espera al menos 24 horas antes de intentarlo de nuevo",
        (131049,),
    ),
    (
        Action.OPT_OUT,
        "La persona ya no quiere recibir mensajes de este tipo",
        "No vuelvas a enviarle; puede escribir cuando quiera",
        (131050,),
    ),
    (
        Action.MARK,
        "No se puede entregar: la persona no tiene WhatsApp, usa una versión vieja o no aceptó sus términos",
        "Pídele por otro medio que escriba o actualice WhatsApp",
        (131026,),
    ),
    (
        Action.MARK,
        "La persona está en un experimento de Meta y no recibe mensajes de empresas",
        "No reintentes; puede escribir ella primero",
        (130472,),
    ),
    (
        Action.MARK,
        "A quien solo se conoce por su usuario de WhatsApp no se le pueden enviar plantillas de autenticación",
        "Usa otra plantilla, o escribe cuando se conozca su número",
        (131062,),
    ),
    (
        Action.BREAK_CIRCUIT,
        "Meta restringió temporalmente la cuenta por incumplir sus políticas",
        "Se detuvieron todos los envíos; revisa la cuenta en el administrador de Meta y pide su revisión",
        (368,),
    ),
    (
        Action.BREAK_CIRCUIT,
        "Meta bloqueó la cuenta",
        "Se detuvieron todos los envíos; revisa la cuenta en el administrador de Meta y pide su revisión",
        (131031,),
    ),
    (
        Action.BREAK_CIRCUIT,
        "Meta no deja que la cuenta escriba a personas de ese país",
        "Se detuvieron todos los envíos; revisa en el administrador de Meta a qué países puede escribir la cuenta",
        (130497,),
    ),
    (
        Action.ALARM,
        "Hay un problema con el método de pago de la cuenta",
        "Revisa el pago en Meta; se intentará pocas veces más",
        (131042,),
    ),
    (
        Action.FIX_MEDIA,
        "WhatsApp no pudo descargar el archivo que envió la persona; puede pesar más de 100 MB",
        "Pide a la persona que lo envíe otra vez, más pequeño o por otro medio",
        (131052,),
    ),
    (
        Action.FIX_MEDIA,
        "Meta no aceptó el archivo que enviamos",
        "Revisa su formato y su tamaño, y envíalo otra vez",
        (131053,),
    ),
    (
        Action.SHOW,
        "WhatsApp no entrega este tipo de mensaje a empresas",
        "Pide a la persona que lo envíe de otra forma",
        (131051,),
    ),
    (
        Action.SHOW,
        "El mensaje ya no está disponible para empresas: suele ser uno para ver una sola vez, o de un canal",
        "Pide a la persona que lo envíe como foto, video o texto normal",
        (131060,),
    ),
    (
        Action.BACK_OFF,
        "Falla pasajera de Meta",
        "Se intentará de nuevo en un momento",
        (131000, 131016, 1, 2),
    ),
    (
        Action.BACK_OFF,
        "Meta tiene la cuenta en mantenimiento, por ejemplo mientras sube su límite",
        "Se intentará de nuevo en unos minutos",
        (131057,),
    ),
    (
        Action.STOP,
        "La credencial con que se envía venció o no es válida",
        "Se detuvieron los envíos; renueva la credencial de la cuenta",
        (0, 190),
    ),
    (
        Action.STOP,
        "La cuenta no tiene permiso para hacer esto",
        "Se detuvieron los envíos; revisa los permisos de la cuenta en Meta",
        (131005, 3, 10, *range(200, 300)),
    ),
    (
        Action.DEAD_LETTER,
        "Meta no acepta la petición: le falta un dato o tiene uno que no vale",
        "No reintentes; avisa a soporte con el código",
        (131008, 131009, 100),
    ),
    (
        Action.DEAD_LETTER,
        "El número desde el que se envía no existe o ya no es de la cuenta",
        "No reintentes; avisa a soporte con el código",
        (33,),
    ),
    (
        Action.DEAD_LETTER,
        "El mensaje va al mismo número que lo envía",
        "Escribe a otro número",
        (131021,),
    ),
    (
        Action.DEAD_LETTER,
        "El nombre del número todavía no está aprobado por Meta",
        "Pide a un administrador que revise el nombre para mostrar en Meta",
        (131037,),
    ),
    (
        Action.DEAD_LETTER,
        "El número no está registrado en la API de WhatsApp",
        "Pide a soporte que lo registre de nuevo",
        (131045,),
    ),
    (
        Action.DEAD_LETTER,
        "La plantilla no existe en ese idioma o no está aprobada",
        "Revisa el nombre, el idioma y el estado de la plantilla",
        (132001,),
    ),
    (
        Action.DEAD_LETTER,
        "Los datos no coinciden con las variables de la plantilla",
        "Revisa cuántas variables tiene la plantilla y de qué tipo son",
        (132000, 132012),
    ),
    (
        Action.DEAD_LETTER,
        "El texto de la plantilla con sus datos queda demasiado largo",
        "Acorta los datos que van en la plantilla",
        (132005,),
    ),
    (
        Action.DEAD_LETTER,
        "El contenido de la plantilla incumple las políticas de WhatsApp",
        "Corrige la plantilla y envíala a revisión otra vez",
        (132007,),
    ),
    (
        Action.BLOCK_TEMPLATE,
        "Meta pausó la plantilla por mala calidad",
        "Usa otra plantilla y mejora esta",
        (132015,),
    ),
    (
        Action.BLOCK_TEMPLATE,
        "Meta deshabilitó la plantilla de forma definitiva",
        "Usa otra plantilla o crea una nueva",
        (132016,),
    ),
    (
        Action.BLOCK_FLOW,
        "Meta bloqueó el formulario",
        "Usa otro formulario y corrige este",
        (132068,),
    ),
    (
        Action.BLOCK_FLOW,
        "El formulario se envió demasiadas veces en la última hora",
        "Espera una hora, o usa otro formulario",
        (132069,),
    ),
    (
        Action.RUNBOOK,
        "Meta no responde al registro del número por ahora",
        "Sigue la guía de registro del número; inténtalo más tarde",
        (133000, 133004),
    ),
    (
        Action.RUNBOOK,
        "La clave de dos pasos (PIN) del número no coincide o se intentó demasiadas veces",
        "Sigue la guía de registro del número; no pruebes otra clave al azar",
        (133005, 133008, 133009),
    ),
    (
        Action.RUNBOOK,
        "El número no está verificado o no está registrado",
        "Sigue la guía de registro del número",
        (133006, 133010),
    ),
    (
        Action.RUNBOOK,
        "El número se registró y se quitó demasiadas veces: Meta lo bloquea unas 72 horas",
        "Sigue la guía de registro del número; no lo intentes antes",
        (133016,),
    ),
    (
        Action.SHOW_EDITOR,
        "La cuenta ya tiene todas las plantillas que Meta permite",
        "Borra plantillas que no se usen",
        (2388019,),
    ),
    (
        Action.SHOW_EDITOR,
        "Un campo de la plantilla es demasiado largo",
        "Acorta el texto que indica el detalle",
        (2388040,),
    ),
    (
        Action.SHOW_EDITOR,
        "El encabezado, el cuerpo o el pie de la plantilla tiene un formato que Meta no acepta",
        "Corrige la plantilla según el detalle y envíala otra vez",
        (2388047, 2388072, 2388073),
    ),
    (
        Action.SHOW_EDITOR,
        "La plantilla tiene demasiadas variables para lo corto de su texto",
        "Alarga el texto o quita variables",
        (2388293,),
    ),
    (
        Action.SHOW_EDITOR,
        "La plantilla empieza o termina con una variable",
        "Pon texto antes de la primera variable y después de la última",
        (2388299,),
    ),
    (
        Action.SHOW,
        "El teléfono no compartió su historial",
        "Si debe estar, autorízalo en la aplicación WhatsApp Business del teléfono",
        (2593109,),
    ),
)

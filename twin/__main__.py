"""`python -m twin`: the outside world on one port of this machine. SIGTERM and Ctrl-C drain and stop it."""

import asyncio
import signal
import sys
import time

from twin.app import Twin
from twin.settings import Settings

HELP = """python -m twin: the outside world (WhatsApp, EUM Social, Transcribe, CDN, webhook receivers) on 127.0.0.1

  TWIN_PORT (8090)           TWIN_STATE_DIR (.twin)          TWIN_SEED (0)
  TWIN_WABA_ID               Meta's account id               TWIN_DISPLAY_NUMBER  digits
  TWIN_PHONE_NUMBER_ID       Meta's phone number id          TWIN_EUM_PHONE_NUMBER_ID  phone-number-id-...
  TWIN_CDN_PUBLIC_KEY        PEM or file of it               TWIN_CDN_KEY_ID      TWIN_MEDIA_BUCKET
  TWIN_WITNESS_QUEUE         name of the queue that EventBridge's events go to; unset: nowhere
  TWIN_TRANSCRIBE_QUEUE      name of the queue that is told of transcription jobs; unset: nobody
  AWS_ENDPOINT_URL_SNS, _SQS, _S3 and AWS credentials as for any client
"""


async def serve() -> None:
    """Until a signal."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, done.set)
    async with Twin(Settings.read(), time.time_ns) as twin:
        print(
            f"twin: listening on 127.0.0.1:{twin.port}, page http://127.0.0.1:{twin.port}/phone", flush=True
        )
        await done.wait()
    print("twin: stopped, history kept", flush=True)


def main() -> None:
    """Print the help, or serve."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP)
        return
    asyncio.run(serve())


if __name__ == "__main__":
    main()

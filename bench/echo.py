"""echo.py: answers with what it hears, at TCP port 81 of every IPv4 address."""
import asyncio
async def one(r, w):
    try:
        while d := await r.read(65536):
            w.write(d)
            await w.drain()
    except ConnectionError:
        pass
    w.close()
async def main():
    await asyncio.start_server(one, "0.0.0.0", 81, backlog=4096)
    await asyncio.Event().wait()
asyncio.run(main())

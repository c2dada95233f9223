"""A gRPC server and a client without protoc: messages are bytes.

server NAME [CERT KEY]   serves on a free port; prints "port N", then what happens, a line each
client ADDRESS SCENARIO [CA NAME]   prints what came of it, as JSON
"""
import json
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = "test.Echo"
OPTIONS = [("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20),
           ("grpc.so_reuseport", 0)]


def say(*words):
    print(*words, flush=True)


# ---- the server ----

class Server:
    def __init__(self, name):
        self.name = name.encode()

    def unary(self, message, context):
        return self.name + b" " + message

    def who(self, message, context):
        return self.name

    def echo(self, message, context):
        return message

    def upload(self, messages, context):
        return b"%d" % sum(len(message) for message in messages)

    def download(self, message, context):
        context.add_callback(lambda: say("ended", "cancelled" if context.code() is None else "well"))
        count, size = (int(word) for word in message.split())
        for number in range(count):
            yield b"%d " % number + b"x" * size

    def chat(self, messages, context):
        for message in messages:
            yield b"re: " + message

    def endless(self, message, context):
        ended = threading.Event()
        context.add_callback(lambda: (ended.set(), say("endless is over")))
        yield b"first"
        ended.wait(60)

    def sleep(self, message, context):
        say("time left %.2f" % min(context.time_remaining() or -1, 1e9))
        ended = threading.Event()
        context.add_callback(lambda: (ended.set(), say("sleep is over")))
        ended.wait(float(message))
        return b"slept"

    def fail(self, message, context):
        number, details = message.decode().split(" ", 1)
        code = next(code for code in grpc.StatusCode if code.value[0] == int(number))
        context.set_trailing_metadata((("x-why", "because"),))
        say("failed", self.name.decode())
        context.abort(code, details)

    def late(self, message, context):
        yield b"so far"
        context.abort(grpc.StatusCode.DATA_LOSS, "no more")

    def meta(self, message, context):
        seen = {key: value for key, value in context.invocation_metadata()}
        context.send_initial_metadata((("x-first", seen.get("x-text", "none")),
                                       ("x-first-bin", seen.get("x-raw-bin", b""))))
        context.set_trailing_metadata((("x-last", "end"), ("x-last-bin", bytes(range(256)))))
        return b"ok"

    def health(self, message, context):
        return b"\x08\x01"


def handler_of(server):
    kinds = {
        "Unary": grpc.unary_unary_rpc_method_handler(server.unary),
        "Who": grpc.unary_unary_rpc_method_handler(server.who),
        "Echo": grpc.unary_unary_rpc_method_handler(server.echo),
        "Upload": grpc.stream_unary_rpc_method_handler(server.upload),
        "Download": grpc.unary_stream_rpc_method_handler(server.download),
        "Chat": grpc.stream_stream_rpc_method_handler(server.chat),
        "Endless": grpc.unary_stream_rpc_method_handler(server.endless),
        "Sleep": grpc.unary_unary_rpc_method_handler(server.sleep),
        "Fail": grpc.unary_unary_rpc_method_handler(server.fail),
        "Late": grpc.unary_stream_rpc_method_handler(server.late),
        "Meta": grpc.unary_unary_rpc_method_handler(server.meta),
    }
    return grpc.method_handlers_generic_handler(SERVICE, kinds)


def serve(name, certificate=None, key=None):
    served = Server(name)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=OPTIONS)
    health = {"Check": grpc.unary_unary_rpc_method_handler(served.health)}
    server.add_generic_rpc_handlers((handler_of(served), grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", health)))
    if certificate:
        with open(certificate, "rb") as chain, open(key, "rb") as own:
            credentials = grpc.ssl_server_credentials(((own.read(), chain.read()),))
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    say("port", port)
    server.wait_for_termination()


# ---- the client ----

class Client:
    def __init__(self, channel):
        self.channel = channel

    def call(self, kind, name, *arguments, **options):
        method = getattr(self.channel, kind)("/%s/%s" % (SERVICE, name))
        return method(*arguments, timeout=options.pop("timeout", 30), **options)

    def unary(self, name, message, **options):
        return self.call("unary_unary", name, message, **options)

    def failure(self, name, message, **options):
        try:
            return ["OK", self.unary(name, message, **options).decode()]
        except grpc.RpcError as error:
            return [error.code().name, error.details()]

    # Scenarios: what each returns is printed.

    def kinds(self):
        download = self.call("unary_stream", "Download", b"3 1000")
        return [self.unary("Unary", b"hello").decode(),
                self.call("stream_unary", "Upload", iter([b"a" * 70000] * 20)).decode(),
                [len(message) for message in download],
                [m.decode() for m in self.call("stream_stream", "Chat", iter([b"a", b"b"]))]]

    def turns(self):
        """Bidi by turns: each message is sent when the answer to the one before has come."""
        turn, said = threading.Semaphore(1), []

        def ask():
            for number in range(5):
                turn.acquire()
                yield b"%d" % number
        for message in self.call("stream_stream", "Chat", ask()):
            said.append(message.decode())
            turn.release()
        return said

    def names(self, count="12"):
        return [self.unary("Who", b"").decode() for _ in range(int(count))]

    def many(self, count="200"):
        method = self.channel.unary_unary("/%s/Unary" % SERVICE)
        calls = [method.future(b"%d" % number, timeout=60) for number in range(int(count))]
        return sorted({call.result().split()[1] == b"%d" % number
                       for number, call in enumerate(calls)})

    def fails(self, number="14", details="later"):
        return self.failure("Fail", ("%s %s" % (number, details)).encode())

    def late(self):
        call, seen = self.call("unary_stream", "Late", b""), []
        try:
            for message in call:
                seen.append(message.decode())
        except grpc.RpcError as error:
            return [seen, error.code().name, error.details()]

    def deadline(self):
        return self.failure("Sleep", b"20", timeout=0.5)

    def patient(self, seconds="0"):
        return self.failure("Sleep", seconds.encode(), timeout=20)

    def unknown(self):
        return self.failure("Nothing", b"")

    def who(self):
        return self.failure("Who", b"")

    def cancel(self):
        call = self.call("unary_stream", "Endless", b"")
        first = next(call)
        call.cancel()
        return first.decode()

    def stream_end(self):
        """Reads an endless stream until somebody ends it."""
        call = self.call("unary_stream", "Endless", b"")
        seen = [next(call).decode()]
        say("reading")
        try:
            for message in call:
                seen.append(message.decode())
        except grpc.RpcError as error:
            return [seen, error.code().name]

    def meta(self):
        raw = bytes(range(255, -1, -1))
        method = self.channel.unary_unary("/%s/Meta" % SERVICE)
        answer, call = method.with_call(b"", timeout=30,
                                        metadata=(("x-text", "a, b"), ("x-raw-bin", raw)))
        first, last = dict(call.initial_metadata()), dict(call.trailing_metadata())
        return [answer.decode(), first["x-first"], first["x-first-bin"] == raw, last["x-last"],
                last["x-last-bin"] == bytes(range(256))]

    def big(self):
        message = bytes(range(256)) * (4 << 12)
        return self.unary("Echo", message) == message

    def slow(self):
        """A large stream that is read slowly."""
        call, count = self.call("unary_stream", "Download", b"200 65536"), 0
        for message in call:
            count += len(message) > 65536
            time.sleep(0.002)
        return count


def connect(address, scenario, arguments, ca=None, name=None):
    options = list(OPTIONS)
    if ca:
        options.append(("grpc.ssl_target_name_override", name))
        with open(ca, "rb") as roots:
            credentials = grpc.ssl_channel_credentials(roots.read())
        channel = grpc.secure_channel(address, credentials, options=options)
    else:
        channel = grpc.insecure_channel(address, options=options)
    with channel:
        say(json.dumps(getattr(Client(channel), scenario)(*arguments)))


def main(role, *rest):
    if role == "server":
        serve(*rest)
        return
    address, words = rest[0], rest[1].split(" ", 2)
    connect(address, words[0], words[1:], *rest[2:])


main(*sys.argv[1:])

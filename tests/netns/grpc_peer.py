#!/usr/bin/python3
"""grpc_peer.py serve ADDRESS LOG: a gRPC server of any method, which it writes to LOG.
grpc_peer.py call ADDRESS METHOD...: calls them one after the other on one connection;
prints "ok" or what the library says, for each.
"""
import concurrent.futures
import sys

import grpc


class Any(grpc.GenericRpcHandler):
    def __init__(self, log):
        self.log = log

    def service(self, details):
        print(details.method, file=self.log, flush=True)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"seen " + request)


def serve(address, path):
    with open(path, "w") as log:
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Any(log)])
        server.add_insecure_port(address)
        server.start()
        server.wait_for_termination()


def call(address, *methods):
    # a connection that was cut is not made again for the call
    with grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        for method in methods:
            try:
                channel.unary_unary(method)(b"x", timeout=10)
                print("ok")
            except grpc.RpcError as e:
                print(e.code().name)


{"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])

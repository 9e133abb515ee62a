/* AMQP 0-9-1: methods, exchanges, queues; 1.0 and 0-10 by name. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_amqp;

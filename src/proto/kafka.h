/* Kafka: what is asked of a broker, by whom, and of which topics. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_kafka;

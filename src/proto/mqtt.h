/* MQTT: who connects, topics published and subscribed to. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_mqtt;

/* ZooKeeper: what is done to which path. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_zookeeper;

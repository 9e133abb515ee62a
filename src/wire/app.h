/*
 * Applications by number and by name (reference 6.1). Numbers below
 * APP_ID_PRODUCTS are base protocols.
 *
 * Up to 2028 they are NeuVector's. Ours are base protocols from 1101 on, those that
 * nDPI has a name for from 1201 on, and products from 3001 on; they are stable, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, number, "name") */
#define APPS(X)                                 \
	X(HTTP, 1001, "http")                   \
	X(TLS, 1002, "tls")                     \
	X(SSH, 1003, "ssh")                     \
	X(DNS, 1004, "dns")                     \
	X(DHCP, 1005, "dhcp")                   \
	X(NTP, 1006, "ntp")                     \
	X(TFTP, 1007, "tftp")                   \
	X(ECHO, 1008, "echo")                   \
	X(RTSP, 1009, "rtsp")                   \
	X(SIP, 1010, "sip")                     \
	X(HTTP2, 1101, "http2")                 \
	X(QUIC, 1102, "quic")                   \
	X(SMTP, 1103, "smtp")                   \
	X(MQTT, 1104, "mqtt")                   \
	X(AMQP, 1105, "amqp")                   \
	X(WEBSOCKET, 1106, "websocket")         \
	X(MYSQL, 2001, "mysql")                 \
	X(REDIS, 2002, "redis")                 \
	X(ZOOKEEPER, 2003, "zookeeper")         \
	X(CASSANDRA, 2004, "cassandra")         \
	X(MONGODB, 2005, "mongodb")             \
	X(POSTGRESQL, 2006, "postgresql")       \
	X(KAFKA, 2007, "kafka")                 \
	X(COUCHBASE, 2008, "couchbase")         \
	X(WORDPRESS, 2009, "wordpress")         \
	X(ACTIVEMQ, 2010, "activemq")           \
	X(COUCHDB, 2011, "couchdb")             \
	X(ELASTICSEARCH, 2012, "elasticsearch") \
	X(MEMCACHED, 2013, "memcached")         \
	X(RABBITMQ, 2014, "rabbitmq")           \
	X(RADIUS, 2015, "radius")               \
	X(VOLTDB, 2016, "voltdb")               \
	X(CONSUL, 2017, "consul")               \
	X(SYSLOG, 2018, "syslog")               \
	X(ETCD, 2019, "etcd")                   \
	X(SPARK, 2020, "spark")                 \
	X(APACHE, 2021, "apache")               \
	X(NGINX, 2022, "nginx")                 \
	X(JETTY, 2023, "jetty")                 \
	X(NODEJS, 2024, "nodejs")               \
	X(ERLANG_EPMD, 2025, "erlang-epmd")     \
	X(ORACLE, 2026, "oracle")               \
	X(MSSQL, 2027, "mssql")                 \
	X(GRPC, 2028, "grpc")

/*
 * Those that nDPI tells of (detect/breadth.h), if no parser of ours does; add behind
 * the last.
 */
#define APPS_BREADTH(X)                                 \
	X(FTP, 1201, "ftp")                             \
	X(FTP_DATA, 1202, "ftp-data")                   \
	X(POP3, 1203, "pop3")                           \
	X(IMAP, 1204, "imap")                           \
	X(IPP, 1205, "ipp")                             \
	X(MDNS, 1206, "mdns")                           \
	X(LLMNR, 1207, "llmnr")                         \
	X(NETBIOS, 1208, "netbios")                     \
	X(NFS, 1209, "nfs")                             \
	X(SSDP, 1210, "ssdp")                           \
	X(BGP, 1211, "bgp")                             \
	X(SNMP, 1212, "snmp")                           \
	X(XDMCP, 1213, "xdmcp")                         \
	X(SMB, 1214, "smb")                             \
	X(DHCPV6, 1215, "dhcpv6")                       \
	X(DTLS, 1216, "dtls")                           \
	X(COAP, 1217, "coap")                           \
	X(MODBUS, 1218, "modbus")                       \
	X(DNP3, 1219, "dnp3")                           \
	X(IEC60870, 1220, "iec60870")                   \
	X(S7COMM, 1221, "s7comm")                       \
	X(ETHERNET_IP, 1222, "ethernet-ip")             \
	X(IRC, 1223, "irc")                             \
	X(XMPP, 1224, "xmpp")                           \
	X(NATS, 1225, "nats")                           \
	X(ZEROMQ, 1226, "zeromq")                       \
	X(TELNET, 1227, "telnet")                       \
	X(STUN, 1228, "stun")                           \
	X(IPSEC, 1229, "ipsec")                         \
	X(RTP, 1230, "rtp")                             \
	X(RTCP, 1231, "rtcp")                           \
	X(RDP, 1232, "rdp")                             \
	X(VNC, 1233, "vnc")                             \
	X(NNTP, 1234, "nntp")                           \
	X(MGCP, 1235, "mgcp")                           \
	X(MEGACO, 1236, "megaco")                       \
	X(IAX, 1237, "iax")                             \
	X(H323, 1238, "h323")                           \
	X(SKINNY, 1239, "skinny")                       \
	X(NOE, 1240, "noe")                             \
	X(AFP, 1241, "afp")                             \
	X(KERBEROS, 1242, "kerberos")                   \
	X(LDAP, 1243, "ldap")                           \
	X(PPTP, 1244, "pptp")                           \
	X(DCERPC, 1245, "dcerpc")                       \
	X(NETFLOW, 1246, "netflow")                     \
	X(SFLOW, 1247, "sflow")                         \
	X(CITRIX, 1248, "citrix")                       \
	X(CHECKMK, 1249, "checkmk")                     \
	X(AJP, 1250, "ajp")                             \
	X(ZABBIX, 1251, "zabbix")                       \
	X(COLLECTD, 1252, "collectd")                   \
	X(TEAMVIEWER, 1253, "teamviewer")               \
	X(ANYDESK, 1254, "anydesk")                     \
	X(LOTUS_NOTES, 1255, "lotus-notes")             \
	X(SAP, 1256, "sap")                             \
	X(GTP, 1257, "gtp")                             \
	X(WSD, 1258, "wsd")                             \
	X(OPENVPN, 1259, "openvpn")                     \
	X(CISCOVPN, 1260, "ciscovpn")                   \
	X(WIREGUARD, 1261, "wireguard")                 \
	X(TINC, 1262, "tinc")                           \
	X(TOR, 1263, "tor")                             \
	X(SOCKS, 1264, "socks")                         \
	X(TEREDO, 1265, "teredo")                       \
	X(DNSCRYPT, 1266, "dnscrypt")                   \
	X(RSYNC, 1267, "rsync")                         \
	X(CORBA, 1268, "corba")                         \
	X(WHOIS, 1269, "whois")                         \
	X(RTMP, 1270, "rtmp")                           \
	X(MPEG_TS, 1271, "mpeg-ts")                     \
	X(ICECAST, 1272, "icecast")                     \
	X(SHOUTCAST, 1273, "shoutcast")                 \
	X(BJNP, 1274, "bjnp")                           \
	X(SMPP, 1275, "smpp")                           \
	X(RX, 1276, "rx")                               \
	X(GIT, 1277, "git")                             \
	X(DRDA, 1278, "drda")                           \
	X(SOMEIP, 1279, "someip")                       \
	X(FIX, 1280, "fix")                             \
	X(LISP, 1281, "lisp")                           \
	X(DIAMETER, 1282, "diameter")                   \
	X(CAPWAP, 1283, "capwap")                       \
	X(HP_VIRTGRP, 1284, "hp-virtgrp")               \
	X(Z3950, 1285, "z3950")                         \
	X(VMWARE, 1286, "vmware")                       \
	X(UBNTAC2, 1287, "ubntac2")                     \
	X(CPHA, 1288, "cpha")                           \
	X(VHUA, 1289, "vhua")                           \
	X(AYIYA, 1290, "ayiya")                         \
	X(MINING, 1291, "mining")                       \
	X(BITTORRENT, 1292, "bittorrent")               \
	X(EDONKEY, 1293, "edonkey")                     \
	X(GNUTELLA, 1294, "gnutella")                   \
	X(DIRECTCONNECT, 1295, "directconnect")         \
	X(APPLEJUICE, 1296, "applejuice")               \
	X(KONTIKI, 1297, "kontiki")                     \
	X(OPENFT, 1298, "openft")                       \
	X(FASTTRACK, 1299, "fasttrack")                 \
	X(STEALTHNET, 1300, "stealthnet")               \
	X(AIMINI, 1301, "aimini")                       \
	X(THUNDER, 1302, "thunder")                     \
	X(SOPCAST, 1303, "sopcast")                     \
	X(PPSTREAM, 1304, "ppstream")                   \
	X(TVUPLAYER, 1305, "tvuplayer")                 \
	X(ZATTOO, 1306, "zattoo")                       \
	X(TEAMSPEAK, 1307, "teamspeak")                 \
	X(VIBER, 1308, "viber")                         \
	X(SKYPE, 1309, "skype")                         \
	X(WHATSAPP_CALL, 1310, "whatsapp-call")         \
	X(WHATSAPP, 1311, "whatsapp")                   \
	X(KAKAOTALK_VOICE, 1312, "kakaotalk-voice")     \
	X(TELEGRAM, 1313, "telegram")                   \
	X(ZOOM, 1314, "zoom")                           \
	X(QQ, 1315, "qq")                               \
	X(IMO, 1316, "imo")                             \
	X(TRUPHONE, 1317, "truphone")                   \
	X(SPOTIFY, 1318, "spotify")                     \
	X(DROPBOX, 1319, "dropbox")                     \
	X(EAQ, 1320, "eaq")                             \
	X(OOKLA, 1321, "ookla")                         \
	X(NEST_LOG_SINK, 1322, "nest-log-sink")         \
	X(AVAST_SECUREDNS, 1324, "avast-securedns")     \
	X(APPLE_PUSH, 1325, "apple-push")               \
	X(AMAZON_VIDEO, 1326, "amazon-video")           \
	X(HANGOUT, 1327, "hangout")                     \
	X(REMOTESCAN, 1328, "remotescan")               \
	X(XBOX, 1329, "xbox")                           \
	X(PLAYSTATION, 1330, "playstation")             \
	X(NINTENDO, 1331, "nintendo")                   \
	X(STEAM, 1332, "steam")                         \
	X(HALFLIFE2, 1333, "halflife2")                 \
	X(CSGO, 1334, "csgo")                           \
	X(WORLD_OF_WARCRAFT, 1335, "world-of-warcraft") \
	X(WARCRAFT3, 1336, "warcraft3")                 \
	X(STARCRAFT, 1337, "starcraft")                 \
	X(GUILDWARS, 1338, "guildwars")                 \
	X(MAPLESTORY, 1339, "maplestory")               \
	X(WORLD_OF_KUNG_FU, 1340, "world-of-kung-fu")   \
	X(ARMAGETRON, 1341, "armagetron")               \
	X(CROSSFIRE, 1342, "crossfire")                 \
	X(DOFUS, 1343, "dofus")                         \
	X(FIESTA, 1344, "fiesta")                       \
	X(FLORENSIA, 1345, "florensia")                 \
	X(AMONG_US, 1346, "among-us")                   \
	X(GENSHIN_IMPACT, 1347, "genshin-impact")

enum app_id {
#define X(name, number, text) APP_##name = (number),
	APPS(X) APPS_BREADTH(X)
#undef X
};

/* "http" for 1001; NULL for a number without a name. Static storage. */
const char *app_name(uint32_t app);
/*
 * What it is a kind of: grpc of http2, http2 of http, and what speaks HTTP with its
 * clients. A rule that names that means it, too. 0: nothing.
 */
uint32_t app_parent(uint32_t app);
/* A conversation is known as http first, and as that by what a server answers. */
bool app_is_told_by_answer(uint32_t app);
/* 1001 for "http", in any case; 0: no such name. */
uint32_t app_by_name(const char *name);

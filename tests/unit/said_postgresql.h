/* Recorded by record-said.py. */
/* clang-format off */
#pragma once

#include "talk.h"

/* limits: table */
static const struct talk_line said_psql[] = {
	{ 'C',
	  "\000\000\000:\000\003\000\000user\000bob\000database\000postgres\000"
	  "application_name\000psql\000\000",
	  58 },
	{ 'S',
	  "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000",
	  24 },
	{ 'C',
	  "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=9P5ErAu3QPEF1NEN"
	  "EnozBSXv",
	  55 },
	{ 'S',
	  "R\000\000\000\134\000\000\000\013r=9P5ErAu3QPEF1NENEnozBSXvemgnGzBxY"
	  "itgtoo97mPDVW7I,s=7RkdP1+o630WFa6fsGI4uQ==,i=4096",
	  93 },
	{ 'C',
	  "p\000\000\000lc=biws,r=9P5ErAu3QPEF1NENEnozBSXvemgnGzBxYitgtoo97mPDV"
	  "W7I,p=hPIsLv44O4fYtFR3USjymxPKy0IbtwPMW4w8iihwXNY=",
	  109 },
	{ 'S',
	  "R\000\000\0006\000\000\000\014v=9onwwi7AXzHH6bK34kGbzaj9OvkhLInpUdsB"
	  "ky510c8=R\000\000\000\010\000\000\000\000S\000\000\000\032applicatio"
	  "n_name\000psql\000S\000\000\000\031client_encoding\000UTF8\000S\000"
	  "\000\000\027DateStyle\000ISO, MDY\000S\000\000\000&default_transacti"
	  "on_read_only\000off\000S\000\000\000\027in_hot_standby\000off\000S"
	  "\000\000\000\031integer_datetimes\000on\000S\000\000\000\033Interval"
	  "Style\000postgres\000S\000\000\000\024is_superuser\000on\000S\000"
	  "\000\000\031server_encoding\000UTF8\000S\000\000\0002server_version"
	  "\00015.18 (Debian 15.18-0+deb12u1)\000S\000\000\000\036session_autho"
	  "rization\000bob\000S\000\000\000#standard_conforming_strings\000on"
	  "\000S\000\000\000\025TimeZone\000Etc/UTC\000K\000\000\000\014\000"
	  "\000:\036;\016\020\322Z\000\000\000\005I",
	  464 },
	{ 'C',
	  "Q\000\000\000\034CREATE TABLE t (a int);\000",
	  29 },
	{ 'S',
	  "C\000\000\000\021CREATE TABLE\000Z\000\000\000\005I",
	  24 },
	{ 'C',
	  "Q\000\000\000\036INSERT INTO t VALUES (1);\000",
	  31 },
	{ 'S',
	  "C\000\000\000\017INSERT 0 1\000Z\000\000\000\005I",
	  22 },
	{ 'C',
	  "Q\000\000\000\025SELECT a FROM t;\000",
	  22 },
	{ 'S',
	  "T\000\000\000\032\000\001a\000\000\000@\000\000\001\000\000\000\027"
	  "\000\004\377\377\377\377\000\000D\000\000\000\013\000\001\000\000"
	  "\000\0011C\000\000\000\015SELECT 1\000Z\000\000\000\005I",
	  59 },
	{ 'C',
	  "Q\000\000\000\025SELECT b FROM t;\000",
	  22 },
	{ 'S',
	  "E\000\000\000dSERROR\000VERROR\000C42703\000Mcolumn \042b\042 does n"
	  "ot exist\000P8\000Fparse_relation.c\000L3665\000RerrorMissingColumn"
	  "\000\000Z\000\000\000\005I",
	  107 },
	{ 'C',
	  "Q\000\000\000\027COPY t FROM STDIN;\000",
	  24 },
	{ 'S',
	  "G\000\000\000\011\000\000\001\000\000",
	  10 },
	{ 'C',
	  "d\000\000\000\0112\012\134.\012c\000\000\000\004",
	  15 },
	{ 'S',
	  "C\000\000\000\013COPY 1\000Z\000\000\000\005I",
	  18 },
	{ 'C',
	  "Q\000\000\000\026COPY t TO STDOUT;\000",
	  23 },
	{ 'S',
	  "H\000\000\000\011\000\000\001\000\000d\000\000\000\0061\012d\000\000"
	  "\000\0062\012c\000\000\000\004C\000\000\000\013COPY 2\000Z\000\000"
	  "\000\005I",
	  47 },
	{ 'C',
	  "Q\000\000\000\034SELECT 1; DROP TABLE t;\000",
	  29 },
	{ 'S',
	  "T\000\000\000!\000\001\077column\077\000\000\000\000\000\000\000\000"
	  "\000\000\027\000\004\377\377\377\377\000\000D\000\000\000\013\000"
	  "\001\000\000\000\0011C\000\000\000\015SELECT 1\000C\000\000\000\017D"
	  "ROP TABLE\000Z\000\000\000\005I",
	  82 },
	{ 'C',
	  "Q\000\000\000\024SELECT $1::int \000",
	  21 },
	{ 'S',
	  "E\000\000\000]SERROR\000VERROR\000C42P02\000Mthere is no parameter $"
	  "1\000P8\000Fparse_expr.c\000L838\000RtransformParamRef\000\000Z\000"
	  "\000\000\005I",
	  100 },
	{ 'C',
	  "X\000\000\000\004",
	  5 },
	{ 0, NULL, 0 },
};

/* limits: table */
static const struct talk_line said_psql_denied[] = {
	{ 'C',
	  "\000\000\000:\000\003\000\000user\000bob\000database\000postgres\000"
	  "application_name\000psql\000\000",
	  58 },
	{ 'S',
	  "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000",
	  24 },
	{ 'C',
	  "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=/BeBESmJc1kBc/jy"
	  "oESJ1IDn",
	  55 },
	{ 'S',
	  "R\000\000\000\134\000\000\000\013r=/BeBESmJc1kBc/jyoESJ1IDnWBPMksWCO"
	  "JDsGumwQrQ4Xtnq,s=7RkdP1+o630WFa6fsGI4uQ==,i=4096",
	  93 },
	{ 'C',
	  "p\000\000\000lc=biws,r=/BeBESmJc1kBc/jyoESJ1IDnWBPMksWCOJDsGumwQrQ4X"
	  "tnq,p=rdN6nh+zFbJ4CYrq7gzjihk+9zzNHy5GRS0VklDbRVE=",
	  109 },
	{ 'S',
	  "E\000\000\000cSFATAL\000VFATAL\000C28P01\000Mpassword authentication"
	  " failed for user \042bob\042\000Fauth.c\000L334\000Rauth_failed\000"
	  "\000",
	  100 },
	{ 0, NULL, 0 },
};

/* limits: table */
static const struct talk_line said_psql_no_ssl[] = {
	{ 'C',
	  "\000\000\000\010\004\322\026/",
	  8 },
	{ 'S',
	  "N",
	  1 },
	{ 'C',
	  "\000\000\000:\000\003\000\000user\000bob\000database\000postgres\000"
	  "application_name\000psql\000\000",
	  58 },
	{ 'S',
	  "R\000\000\000\027\000\000\000\012SCRAM-SHA-256\000\000",
	  24 },
	{ 'C',
	  "p\000\000\0006SCRAM-SHA-256\000\000\000\000 n,,n=,r=l1WAsSyjxpgfNwUr"
	  "CsVAH7jy",
	  55 },
	{ 'S',
	  "R\000\000\000\134\000\000\000\013r=l1WAsSyjxpgfNwUrCsVAH7jyaLl/0Tb8a"
	  "3U4aYJcr5ycy5iT,s=7RkdP1+o630WFa6fsGI4uQ==,i=4096",
	  93 },
	{ 'C',
	  "p\000\000\000lc=biws,r=l1WAsSyjxpgfNwUrCsVAH7jyaLl/0Tb8a3U4aYJcr5ycy"
	  "5iT,p=FRZ+ARqZB9L5g7ARMkD8PEWPNGTxUAqslIB5++kLecg=",
	  109 },
	{ 'S',
	  "R\000\000\0006\000\000\000\014v=38sM2b5NsIf6OmYohLcJ8Bx7AmeJapc49AZE"
	  "2sTnShU=R\000\000\000\010\000\000\000\000S\000\000\000\032applicatio"
	  "n_name\000psql\000S\000\000\000\031client_encoding\000UTF8\000S\000"
	  "\000\000\027DateStyle\000ISO, MDY\000S\000\000\000&default_transacti"
	  "on_read_only\000off\000S\000\000\000\027in_hot_standby\000off\000S"
	  "\000\000\000\031integer_datetimes\000on\000S\000\000\000\033Interval"
	  "Style\000postgres\000S\000\000\000\024is_superuser\000on\000S\000"
	  "\000\000\031server_encoding\000UTF8\000S\000\000\0002server_version"
	  "\00015.18 (Debian 15.18-0+deb12u1)\000S\000\000\000\036session_autho"
	  "rization\000bob\000S\000\000\000#standard_conforming_strings\000on"
	  "\000S\000\000\000\025TimeZone\000Etc/UTC\000K\000\000\000\014\000"
	  "\000:<\325\021\012\354Z\000\000\000\005I",
	  464 },
	{ 'C',
	  "Q\000\000\000\016SELECT 1;\000",
	  15 },
	{ 'S',
	  "T\000\000\000!\000\001\077column\077\000\000\000\000\000\000\000\000"
	  "\000\000\027\000\004\377\377\377\377\000\000D\000\000\000\013\000"
	  "\001\000\000\000\0011C\000\000\000\015SELECT 1\000Z\000\000\000\005I",
	  66 },
	{ 'C',
	  "X\000\000\000\004",
	  5 },
	{ 0, NULL, 0 },
};

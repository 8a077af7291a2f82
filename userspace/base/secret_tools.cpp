#include "base/secret_tools.h"

#include <unordered_map>
#include <vector>

namespace kilnwatch::base {
namespace {

struct Row {
  std::string_view tools;    // apart by blanks
  std::string_view letters;  // of flags
  Takes takes;
};

// From the tools' manuals. A tool without a secret is here where it often stands behind one that
// has, or where its letter means something else than most people's.
constexpr Row kRows[] = {
    {"curl", "uUE", Takes::kAccount},
    {"curl", "x", Takes::kUserinfo},
    {"curl", "b", Takes::kSetting},
    {"curl", "AcCdDeFhHKmoPQrtTwXyYz", Takes::kOther},
    {"docker docker-compose compose podman nerdctl buildah", "e", Takes::kSetting},
    {"docker docker-compose compose podman nerdctl buildah", "afhlmnopuvw", Takes::kOther},
    {"login", "p", Takes::kSecret},  // docker login, az login, oc login, helm registry login
    {"login", "u", Takes::kOther},
    {"sshpass", "p", Takes::kSecret},
    {"sshpass", "fdP", Takes::kOther},
    {"mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlpump mariadb mariadb-dump "
     "mariadb-admin",
     "p", Takes::kAttached},
    {"mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlpump mariadb mariadb-dump "
     "mariadb-admin",
     "uhePDSr", Takes::kOther},
    {"7z 7za 7zr 7zz rar unrar", "p", Takes::kAttached},
    {"mongo mongosh mongodump mongorestore mongoexport mongoimport cqlsh", "p", Takes::kSecret},
    {"mongo mongosh mongodump mongorestore mongoexport mongoimport cqlsh", "hud", Takes::kOther},
    {"twine useradd usermod", "p", Takes::kSecret},
    {"twine useradd usermod", "urcCdgGs", Takes::kOther},
    {"redis-cli", "a", Takes::kSecret},
    {"redis-cli", "hpsnriudDtX", Takes::kOther},
    {"ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldappasswd", "w",
     Takes::kSecret},
    {"ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldappasswd",
     "DHbhpfylYUXR", Takes::kOther},
    {"mosquitto_pub mosquitto_sub mosquitto_rr", "P", Takes::kSecret},
    {"mosquitto_pub mosquitto_sub mosquitto_rr", "uhptmifqk", Takes::kOther},
    {"ipmitool sqlcmd bcp isql osql tsql zip unzip", "P", Takes::kSecret},
    {"ipmitool sqlcmd bcp isql osql tsql zip unzip", "USHIdQixo", Takes::kOther},
    {"snmpget snmpwalk snmpset snmpbulkwalk", "AXc", Takes::kSecret},
    {"smbclient smbget smbcacls rpcclient net", "U", Takes::kPercent},
    {"smbclient smbget smbcacls rpcclient net", "cIpWDmAt", Takes::kOther},
    {"lftp", "u", Takes::kComma},
    {"lftp", "epf", Takes::kOther},
    {"http https xh", "a", Takes::kAccount},
    {"ssh-keygen", "NP", Takes::kWord},
    {"openssl", "kK", Takes::kWord},
    {"ssh scp sftp rsync", "pPeiloFJ", Takes::kOther},
    {"sudo su", "ugp", Takes::kOther},
    {"mkdir tar cp install ps nc python python3", "pu", Takes::kOther},
    {"grep egrep fgrep zgrep rg sed perl ruby node nodejs php lua awk gawk echo printf make", "e",
     Takes::kOther},
};

using Tools = std::unordered_map<std::string_view, std::vector<const Row*>>;

const Tools& tools() {
  static const Tools all = [] {
    Tools out;
    for (const Row& row : kRows) {
      for (auto rest = row.tools; !rest.empty();) {
        const auto name = rest.substr(0, rest.find(' '));
        out[name].push_back(&row);
        rest.remove_prefix(name.size() == rest.size() ? name.size() : name.size() + 1);
      }
    }
    return out;
  }();
  return all;
}

}  // namespace

bool is_tool(std::string_view name) { return tools().contains(name); }

Takes takes(std::string_view tool, char letter) {
  const auto known = tools().find(tool);
  if (known == tools().end()) return Takes::kUnknown;
  for (const Row* row : known->second) {
    if (row->letters.find(letter) != row->letters.npos) return row->takes;
  }
  return Takes::kUnknown;
}

}  // namespace kilnwatch::base

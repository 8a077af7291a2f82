// Where people put secrets: instructions, lists of words, tools, files; and what only looks so.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "base/secrets.h"

using namespace kilnwatch::base;

namespace {

struct Case {
  std::string text;
  std::string masked;
};

// Every secret is "canary" or begins with it.
const std::vector<Case> kInstructions = {
    {"ENV DB_PASSWORD canary", "ENV DB_PASSWORD ***"},
    {"ENV DB_PASSWORD canary words canary", "ENV DB_PASSWORD ***"},
    {"env db_password \"canary words\"", "env db_password \"***\""},
    {"ENV DB_PASSWORD \"canary\" canary", "ENV DB_PASSWORD ***"},
    {"FROM a\nENV DB_PASSWORD canary x\nRUN make", "FROM a\nENV DB_PASSWORD ***\nRUN make"},
    {"  ENV\tAPI_KEY\tcanary\r\nUSER a", "  ENV\tAPI_KEY\t***\r\nUSER a"},
    {"ONBUILD ENV DB_PASSWORD canary b", "ONBUILD ENV DB_PASSWORD ***"},
    {"Step 2/14 : ENV DB_PASSWORD canary b", "Step 2/14 : ENV DB_PASSWORD ***"},
    {R"({"stream":"Step 2/4 : ENV DB_PASSWORD canary b\n"})",
     R"({"stream":"Step 2/4 : ENV DB_PASSWORD ***\n"})"},
    {R"({"stream":"Step 2/4 : ENV DB_PASSWORD \"canary b\" canary\n"})",
     R"({"stream":"Step 2/4 : ENV DB_PASSWORD ***\n"})"},
    {"docker commit -c 'ENV DB_PASSWORD canary b' c1", "docker commit -c 'ENV DB_PASSWORD ***' c1"},
    {"ENV A=b DB_PASSWORD=canary", "ENV A=b DB_PASSWORD=***"},
    {"ARG DB_PASSWORD=canary", "ARG DB_PASSWORD=***"},
    {"ARG DB_PASSWORD canary", "ARG DB_PASSWORD ***"},
    {"LABEL api.token canary two", "LABEL api.token ***"},
    {"LABEL \"api.token\"=\"canary two\" a=b", "LABEL \"api.token\"=\"***\" a=b"},
    {"LABEL \"api.token\" \"canary two\"", "LABEL \"api.token\" \"***\""},
    {"ENV DB_PASSWORD can\\\nary", "ENV DB_PASSWORD ***\\\n***"},
    // joined lines
    {"RUN curl -u bob:canary\\\ncanary http://h", "RUN curl -u bob:***\\\n*** http://h"},
    {"RUN curl -u \\\n  bob:canary http://h", "RUN curl -u \\\n  bob:*** http://h"},
    {"RUN x --password \\\r\n  canary \\\r\n  y", "RUN x --password \\\r\n  *** \\\r\n  y"},
    {"RUN x --password \\\n# why\n\n  canary y", "RUN x --password \\\n# why\n\n  *** y"},
    {"RUN x --passw\\\nord canary y", "RUN x --passw\\\nord *** y"},
    {"RUN TOK\\\nEN=canary\\  \ncanary x", "RUN TOK\\\nEN=***\\  \n*** x"},
    {"RUN curl -u b:c\\\n# --token canary\nd h", "RUN curl -u b:***\\\n# --token ***\n*** h"},
    {"# escape=`\nRUN x --password `\n canary y", "# escape=`\nRUN x --password `\n *** y"},
    {"# escape=`\nRUN dir c:\\\nENV DB_PASSWORD canary",
     "# escape=`\nRUN dir c:\\\nENV DB_PASSWORD ***"},
    {"# a comment \\\nENV DB_PASSWORD canary", "# a comment \\\nENV DB_PASSWORD ***"},
    {R"({"Cmd":["sh","-c","curl -u a:canary\\\ncanary h"]})",
     R"({"Cmd":["sh","-c","curl -u a:***\\\n*** h"]})"},
};

const std::vector<Case> kLists = {
    {R"(RUN ["curl","-u","bob:canary"])", R"(RUN ["curl","-u","bob:***"])"},
    {R"(RUN [ "curl" , "-u" , "bob:canary" ])", R"(RUN [ "curl" , "-u" , "bob:***" ])"},
    {R"(["x","--password","canary"])", R"(["x","--password","***"])"},
    {R"(["x", "--password", "canary two", "y"])", R"(["x", "--password", "***", "y"])"},
    {R"(["x","--password","ca\"nary' two","y"])", R"(["x","--password","***","y"])"},
    {R"(["x","--password","canary\\","y"])", R"(["x","--password","***","y"])"},
    {R"(["x","--token","canary"])", R"(["x","--token","***"])"},
    {R"(["x","--token=canary"])", R"(["x","--token=***"])"},
    {R"("--token","canary")", R"("--token","***")"},
    {R"("-e","API_TOKEN=canary")", R"("-e","API_TOKEN=***")"},
    {R"(["docker","run","-e","A=canary b","x"])", R"(["docker","run","-e","A=***","x"])"},
    {R"(["docker","build","--build-arg","A=canary","."])",
     R"(["docker","build","--build-arg","A=***","."])"},
    {R"(["docker","login","-p","canary","r.example"])",
     R"(["docker","login","-p","***","r.example"])"},
    {R"(["docker","login","-pcanary","r.example"])", R"(["docker","login","-p***","r.example"])"},
    {R"(['x', '--password', 'canary'])", R"(['x', '--password', '***'])"},
    {R"({"Cmd":"[\"curl\",\"-u\",\"bob:canary\"]"})", R"({"Cmd":"[\"curl\",\"-u\",\"bob:***\"]"})"},
    {R"(["x","\u002d\u002dpassw\u006frd","canary"])", R"(["x","\u002d\u002dpassw\u006frd","***"])"},
    {R"(["git","clone","https:\/\/u:canary@h\/r"])", R"(["git","clone","https:\/\/***@h\/r"])"},
    {"[\n  \"x\",\n  \"--password\",\n  \"canary\"\n]",
     "[\n  \"x\",\n  \"--password\",\n  \"***\"\n]"},
    {R"(["sh","-c","mysql -pcanary -e 'select 1'"])", R"(["sh","-c","mysql -p*** -e 'select 1'"])"},
    {R"(["vault","login","canary"])", R"(["vault","login","***"])"},
};

const std::vector<Case> kTools = {
    {"redis-cli -a canary ping", "redis-cli -a *** ping"},
    {"redis-cli -h host -a 'canary b' ping", "redis-cli -h host -a '***' ping"},
    {"mysql -p\"canary b\" db", "mysql -p\"***\" db"},
    {"mysql -p'canary b' db", "mysql -p'***' db"},
    {"mysql -uroot -pcanary!$ db", "mysql -uroot -p*** db"},
    {"/usr/bin/mysqldump -u root -pcanary db", "/usr/bin/mysqldump -u root -p*** db"},
    {"docker login -pcanary r.example", "docker login -p*** r.example"},
    {"docker login -u me -p=canary r.example", "docker login -u me -p=*** r.example"},
    {"sshpass -p canary ssh -p 22 h", "sshpass -p *** ssh -p 22 h"},
    {"sshpass -pcanary ssh h", "sshpass -p*** ssh h"},
    {"curl -su u:canary http://h", "curl -su u:*** http://h"},
    {"curl -sSLu u:canary http://h", "curl -sSLu u:*** http://h"},
    {"curl -sSLuu:canary http://h", "curl -sSLuu:*** http://h"},
    {"sudo -E curl -o docker -fsSu 'u:canary b' h", "sudo -E curl -o docker -fsSu 'u:***' h"},
    {"curl -H 'Accept: a; b' -su u:canary h", "curl -H 'Accept: a; b' -su u:*** h"},
    {"curl -H\"Accept: a; b\" -su u:canary h", "curl -H\"Accept: a; b\" -su u:*** h"},
    {"sh -c 'curl -H \"Accept: a; b\" -su u:canary h'",
     "sh -c 'curl -H \"Accept: a; b\" -su u:*** h'"},
    {"curl -u 'bob':canary h", "curl -u 'bob':*** h"},
    {"docker run img sh -c 'mysql -pcanary'", "docker run img sh -c 'mysql -p***'"},
    {"mysqladmin -u root password canary", "mysqladmin -u root password ***"},
    {"echo 'canary' | passwd root", "echo '***' | passwd root"},
    {"composer config http-basic.h u canary", "composer config http-basic.h u ***"},
    {"export PW=canary", "export PW=***"},
    {"curl -x u:canary@proxy:80 h", "curl -x ***@proxy:80 h"},
    {"curl --proxy u:canary@proxy:80 h", "curl --proxy ***@proxy:80 h"},
    {"curl -b sid=canary h", "curl -b sid=*** h"},
    {"curl -E me.pem:canary h", "curl -E me.pem:*** h"},
    {"curl --oauth2-bearer canary h", "curl --oauth2-bearer *** h"},
    {"docker run -itdeA=canary img", "docker run -itdeA=*** img"},
    {"docker run -ite A=canary img", "docker run -ite A=*** img"},
    {"podman run -e a=canary img", "podman run -e a=*** img"},
    {"skopeo copy --src-creds u:canary a b", "skopeo copy --src-creds *** a b"},
    {"podman login -u u -p canary r", "podman login -u u -p *** r"},
    {"aws configure set aws_secret_access_key canary --profile p",
     "aws configure set aws_secret_access_key *** --profile p"},
    {"npm config set //r.example/:_authToken canary", "npm config set //r.example/:_authToken ***"},
    {"npm config set '//r.example/:_authToken' \"canary\"",
     "npm config set '//r.example/:_authToken' \"***\""},
    {"npm set //r.example/:_authToken=canary", "npm set //r.example/:_authToken=***"},
    {R"(["npm","config","set","//r.example/:_authToken","canary"])",
     R"(["npm","config","set","//r.example/:_authToken","***"])"},
    {"pip config set global.index-url https://u:canary@h/",
     "pip config set global.index-url https://***@h/"},
    {"poetry config pypi-token.pypi canary", "poetry config pypi-token.pypi ***"},
    {"redis-cli config set requirepass canary", "redis-cli config set requirepass ***"},
    {"git config --global http.extraheader \"Authorization: Basic canary\"",
     "git config --global http.extraheader \"Authorization: ***\""},
    {"git -c http.https://h/.extraheader='AUTHORIZATION: basic canary' fetch",
     "git -c http.https://h/.extraheader='AUTHORIZATION: ***' fetch"},
    {"git -c http.extraheader=AUTHORIZATION:\\ basic\\ canary fetch",
     "git -c http.extraheader=AUTHORIZATION:*** fetch"},
    {"requests.get('http://h', auth=('bob','canary'))", "requests.get('http://h', auth=(***))"},
    {"requests.get(u, auth = (\"bob\", \"canary\"), timeout=3)",
     "requests.get(u, auth = (***), timeout=3)"},
    {"get(u, auth=HTTPBasicAuth('bob', 'ca)nary'))", "get(u, auth=HTTPBasicAuth(***))"},
    {"python3 -c \"get(u, auth=('bob','canary'))\"", "python3 -c \"get(u, auth=(***))\""},
    {"TOKENS=(canary canary) make", "TOKENS=(***) make"},
    {"curl -H \"Authorization: Bearer canary\"", "curl -H \"Authorization: ***\""},
    {"curl --header='X-Api-Key: canary' h", "curl --header='X-Api-Key: ***' h"},
    {"curl -HX-Api-Key:canary h", "curl -HX-Api-Key:*** h"},
    {"curl -H PRIVATE-TOKEN:canary h", "curl -H PRIVATE-TOKEN:*** h"},
    {"curl -H 'PRIVATE-TOKEN:canary' h", "curl -H 'PRIVATE-TOKEN:***' h"},
    {"curl -H 'Cookie: sid=canary; b=canary' h", "curl -H 'Cookie: ***' h"},
    {"wget --http-password=canary h", "wget --http-password=*** h"},
    {"wget --http-user u --http-password canary h", "wget --http-user u --http-password *** h"},
    {"git clone https://u:canary@h/r", "git clone https://***@h/r"},
    {"PGPASSWORD=canary psql -h db", "PGPASSWORD=*** psql -h db"},
    {"openssl rsa -in k -passin pass:canary", "openssl rsa -in k -passin ***"},
    {"openssl enc -aes-256-cbc -k canary -in f", "openssl enc -aes-256-cbc -k *** -in f"},
    {"keytool -storepass canary -keypass canary", "keytool -storepass *** -keypass ***"},
    {"kubectl --token canary get po", "kubectl --token *** get po"},
    {"kubectl create secret generic s --from-literal=a=canary",
     "kubectl create secret generic s --from-literal=a=***"},
    {"helm registry login r --password canary", "helm registry login r --password ***"},
    {"vault login canary", "vault login ***"},
    {"vault login -method=userpass username=u password=canary",
     "vault login -method=userpass username=u password=***"},
    {"vault kv put secret/a b=canary", "vault kv put secret/a b=***"},
    {"echo canary | docker login -u u --password-stdin r",
     "echo *** | docker login -u u --password-stdin r"},
    {"printf '%s' canary | docker login --password-stdin r",
     "printf '%s' *** | docker login --password-stdin r"},
    {"RUN echo 'root:canary' | chpasswd", "RUN echo '***' | chpasswd"},
    {"echo canary | sudo -S make", "echo *** | sudo -S make"},
    {"twine upload -u u -p canary d/*", "twine upload -u u -p *** d/*"},
    {"az login -u u -p canary", "az login -u u -p ***"},
    {"ldapsearch -x -D cn=a -w canary -b dc=b", "ldapsearch -x -D cn=a -w *** -b dc=b"},
    {"ldapsearch -xw canary", "ldapsearch -xw ***"},
    {"smbclient -U u%canary //h/s", "smbclient -U u%*** //h/s"},
    {"mosquitto_pub -u u -P canary -t t", "mosquitto_pub -u u -P *** -t t"},
    {"lftp -u u,canary h", "lftp -u u,*** h"},
    {"http -a u:canary h", "http -a u:*** h"},
    {"htpasswd -bc f u canary", "htpasswd -bc f u ***"},
    {"unzip -P canary f.zip", "unzip -P *** f.zip"},
    {"7z x -pcanary f.7z", "7z x -p*** f.7z"},
    {"psql -c \"ALTER USER a WITH PASSWORD 'canary'\"",
     "psql -c \"ALTER USER a WITH PASSWORD '***'\""},
    {"mysql -e \"CREATE USER a IDENTIFIED BY 'canary'\"",
     "mysql -e \"CREATE USER a IDENTIFIED BY '***'\""},
    {"tailscale up --authkey canary", "tailscale up --authkey ***"},
    {"true && x; mysql -pcanary|cat", "true && x; mysql -p***|cat"},
};

const std::vector<Case> kElsewhere = {
    {"machine h login u password canary", "machine h login u password ***"},
    {"machine h\n  login u@x.example\n  password canary\nmachine i login u password canary",
     "machine h\n  login u@x.example\n  password ***\nmachine i login u password ***"},
    {"machine h password canary login u", "machine h password *** login u"},
    {"default login u password canary", "default login u password ***"},
    {"echo \"machine h login u password canary\" > ~/.netrc",
     "echo \"machine h login u password ***\" > ~/.netrc"},
    {"printf 'machine h\\nlogin u\\npassword canary\\n' > f",
     "printf 'machine h\\nlogin u\\npassword ***\\n' > f"},
    {"printf 'a\\nkey=canary\\n' > f", "printf 'a\\nkey=***' > f"},
    {"PASSWORD=\"*** canary\" make", "PASSWORD=\"***\" make"},
    {"x --password '*** canary' y", "x --password '***' y"},
    {"curl -u 'u:*** canary' h", "curl -u 'u:***' h"},
    {"curl -H 'X-Api-Key: *** canary' h", "curl -H 'X-Api-Key: ***' h"},
    {"{\"Env\":[\"TOKEN=*** canary\"]}", "{\"Env\":[\"TOKEN=***\"]}"},
    {"GET / HTTP/1.1\r\nHost: u:canary@h\r\n", "GET / HTTP/1.1\r\nHost: ***@h\r\n"},
    {"TOKEN=canary\\ canary make", "TOKEN=*** make"},
};

const std::vector<std::string> kPlain = {
    "apt-get install -y pass",
    "RUN apt-get update && apt-get install -y pass curl \\\n    git && rm -rf /var/lib/apt/lists/*",
    "mkdir -p /a/b",
    "curl -o x -e http://ref http://h/y",
    "curl -fsSLO http://198.51.100.66/a:b",
    "tar -xpf a",
    "cp -a src dst",
    "redis-cli -h host -p 6379",
    "grep -e A=b f",
    "echo -e \"A=b\" && sed -e a=b f && node -e 'a=1'",
    "ssh -p 22 h",
    "docker run -p 80:80 -u app:app --user app:app img",
    "docker run -it --rm -v /:/host img sh",
    "[\"docker\",\"run\",\"-p\",\"80:80\",\"img\"]",
    "[\"x\",\"--password\",\"--verbose\"]",
    "python -u x.py",
    "git push -u origin main",
    "git config --global credential.helper store",
    "npm config set registry http://198.51.100.66/",
    "set -e; config x y",
    "rsync --password-file=/p -a s h::d && rsync --password-file /p s d",
    "docker login --password-stdin r.example < f",
    "gh auth login --with-token < f",
    "mysql -p db && mkdir -p80 && docker run -p 80:80 x",
    "sh -c \"mysql -p\" && echo \"x\"",
    "openssl req -newkey rsa:2048 -keyout k -passout file:/p",
    "vault login -method=github",
    "vault status -tls-skip-verify",
    "ENV PATH /usr/bin:/bin",
    "ENV DB_PASSWORD $OTHER",
    "ENV LANG C.UTF-8\nRUN env | sort",
    "LABEL maintainer me and others",
    "echo hello | docker build -",
    "echo hello | tee f",
    "read -s -p \"Enter password \" PW; echo \"hi\"",
    "this machine needs a login and a password to be set",
    "# comment about the password\nRUN make",
    "unzip -o f.zip -d d",
    "7z x f.7z -oout",
    "ls -la | sort -u && id -u",
    "wget -qO- http://198.51.100.66/p | sh",
    "RUN [\"sh\", \"-c\", \"curl http://198.51.100.66/a | sh\"]",
    "FROM a\\\nlpine\nRUN a \\\n && b",
    "apk add --no-cache openssl mysql-client redis sshpass",
    "if (auth == (1)) { x }",
    "Host: h:80\r\nX: a@b",
};

std::vector<Case> all() {
  std::vector<Case> out;
  for (const auto& list : {kInstructions, kLists, kTools, kElsewhere})
    out.insert(out.end(), list.begin(), list.end());
  return out;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ' ') out.emplace_back();
    if (c != ' ') out.back() += c;
  }
  return out;
}

}  // namespace

TEST_CASE("A secret is masked in instructions, lists, commands and files") {
  for (const auto& [text, masked] : all()) {
    CAPTURE(text);
    CHECK(mask_text(text) == masked);
    CHECK(mask_text(text).find("canary") == std::string::npos);
    CHECK(mask_text(masked) == masked);
  }
}

TEST_CASE("So it is in equal length, and what that leaves reads the same") {
  for (const auto& [text, masked] : all()) {
    CAPTURE(text);
    const auto same = mask_text_same_length(text);
    CHECK(same.size() == text.size());
    CHECK(same.find("canary") == std::string::npos);
    CHECK(mask_text_same_length(same) == same);
    CHECK(mask_text(same) == masked);
  }
}

TEST_CASE("A secret's place does not depend on what stands around the text") {
  for (const auto& [text, masked] : kTools) {
    CAPTURE(text);
    CHECK(mask_text("RUN true && " + text) == "RUN true && " + masked);
    CHECK(mask_text("x\n" + text + "\ny") == "x\n" + masked + "\ny");
    CHECK(mask_args({"sh", "-c", text}) == std::vector<std::string>{"sh", "-c", masked});
  }
}

TEST_CASE("An argument vector reads as the command line does") {
  for (const std::string text :
       {"redis-cli -a canary ping", "mysql -uroot -pcanary db", "docker login -pcanary r",
        "sshpass -p canary ssh -p 22 h", "curl -sSLu u:canary h", "docker run -itdeA=canary img",
        "npm config set //r/:_authToken canary", "vault login canary", "htpasswd -bc f u canary",
        "docker commit -p80", "ssh -p 22 h", "docker run -p 80:80 x",
        "keytool -storepass canary"}) {
    CAPTURE(text);
    CHECK(mask_args(words(text)) == words(mask_text(text)));
    for (const auto& word : mask_args(words(text))) CHECK(word.find("canary") == word.npos);
  }
  CHECK(mask_args({"docker", "commit", "-c", "ENV DB_PASSWORD canary b", "c"}) ==
        std::vector<std::string>{"docker", "commit", "-c", "ENV DB_PASSWORD ***", "c"});
  CHECK(mask_args({"curl", "-HAuthorization: canary; b", "-su", "u:canary b", "h"}) ==
        std::vector<std::string>{"curl", "-HAuthorization: ***", "-su", "u:***", "h"});
}

TEST_CASE("Ordinary commands are left as they are") {
  for (const auto& text : kPlain) {
    CAPTURE(text);
    CHECK(mask_text(text) == text);
    CHECK(mask_text_same_length(text) == text);
  }
}

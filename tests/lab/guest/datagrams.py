"""A QUIC hello as a step may send it: datagrams.py WAY ADDRESS PORT; datagrams.py sink PORT... takes what comes.
unconnected, connected, mapped (IPv6 socket), segments (both datagrams in one buffer): curl by ngtcp2 asks for files.kiln.test.
second: RFC 9369, A.2, asks for example.com. parts: one datagram out of two buffers. other: no QUIC."""
import base64
import selectors
import socket
import sys
import time

UDP_SEGMENT = 103
SIZE = 1200
CURL = base64.b64decode("""
wQAAAAEUHC5w92FhTRiMJdFZBilCCDLzEzoUhIQiSrhlOI24/WsJ2pZDzyNQtXUAgAAEfFtC/NTsoe/IfNLmB0eWKe/4Ez4511XhAQMYAEpWfjSnqxNG+EUD+eY44xJD+Q0/mmvd9dfHa5nsZEng1w
8X+Yba8AlKbGkbWXj4/Czsm+tS5+IfGxa++3l9OKruQmW+CjITHlecjFO9dSRqJyflZ9Ap9RGm9r9lP0HIR4BB+xYCT3fvPaoEhSS3PcvIYa7if7a+LuMrzBKkFAvFuN8qV/VY0Rq09DF/dtzwalvE
D8joCrEjHXq//CiF/pZRUYkfYvnUPLp5moChCClmLmvjrIkJ2rZn0F/CIRxyF+XVvl2aN4ZsdWWz+6zoFN3fWvobeYMBKFtvwMvCm7y0jjV3t3iDpPO9cwKMaiKNmRtXmFwsERsNyyncwv1uOdWpcb
jTZX+Zi7la1tUdu9GCXhZiBAc/s2KhDfPOyhiFJvN9rx7PlxvrnKwUSeUMOJuXpeC2cfITjl/ntP1A/D+kpmEaNRbCLjEoMJC2nd1owvzmhJghYMyleI+lXLCtj5Ri2dhHPkujAt06SBmDo3/ZdW6g
QsNmBcE8awpUi3iW0C9Xis9VXko80OHKz3bnHms39b7FnmAm1KAyi82yayDT5yvbbLpSUaGzJjkiikKsI2d7oyKS8Vv1VXgvaYdPlj/0SQL6o5o7mKxagubY16bV9uwWaeJHHSwRZCN0xr2e5wXVQQ
c2HoXx5I3c8rNheLpMf7gV7CJN0wOaK0adM4HvTWbsMmaWwsPZQKHfqpQ8uqJUvP/oRvTdUiXo4UD7f6218BDRkaYvGxs3Z+aFmHeahhK4hAUi7/AoEi37t0aoV7xt4+x8XGGHmdykkeGfg8C7TngE
Cyynxrequ8eyoHdrco0JVIuxbQmEIUjuXdGB2c7Q6xx8S/QbljaCEWsCoAoxTskasXDydYOWPyqQqbz/h8zWId5ynWCo27ZJwnCgRY02AjYs9bFxJxfq5yGrMQEr2hJidy7pHHyRnlDv8NL80XyX+r
zG29j7JzP8reelWcXoaPtDJXGc+tDuvMMnwguZxKZTC6KablO/D0nVS/bxeHQPFPKlKXqPV0KO4zUIeJktPvKxZgddMYz3Ui8TC5ZnjnLZqWXUY+1UM6vN2Ix52s0V7E1IkdIAGNpTus0Cn4g2/MyJ
/yAjtADTVjiXfDX3GCRytC5ZfcR7CuOSL1pkl5bsxc+BtJEvjtNv5fT9E5ZRYupnPXPL1SGXtI+Hyurw6zncVivGBH9vG0SMLVuks89jzb5Xt/WN7k0B7jHuYSrHeH9dkRu0AW6T9e7V0ziYn4BOF6
RkEGDr2IOIW33NMpEDSCcsuvQa11PwbSEmnThNP9AM5pALXAn2J6IyBuH+0NTHo6M58pa2r7IVrqAa9qWLQspiuhvK/vLigaapeobNBV5lKLFKBqEkpEEkheVJWcBkiOTBi+MDOGa3qwm+JodCjECV
cJohoDoHn9KL3bqH4mHZrMJxjDXPv2JeGNlJIiPn4TEuLpLFcKQgDsWuV0+smWptTv99wD98IIve8DREBMP1y/97dOtk9qkiPTj9ywAAAAEUHC5w92FhTRiMJdFZBilCCDLzEzoUhIQiSrhlOI24/W
sJ2pZDzyNQtXUAgAAEfLd2o6N8LBE6xS1LiMOHUTC20qFUduHqh4P0DQ5cD4/o3qwVHauXm6+voMFecJoKbgmGxRsgzLf5ouyVj7vhu2RY4oXm/+UhcZyh2o92EY0aNBwD0mhrfCgcZk4Rl7GzsGdJ
8mTfeP0LSHonVm+Rn9ReCq/5uzqwxW/7gFr6VDc0yzZJcFuAxVd04jr+3dmslPZVXJi1PNCm/cnw1nWJWW+qg/DbS7mG0fWGXz6BVDfTn6EsGEVf1do9W1/NdrveNKykvN1ag/SY8BEZP6Syiokju7
DbxohU92tErqI8mT+V8z6dO924tufwT//LY1Gi05wC4JEnbNTe5ivAAu04idBZInnjE9sFFIaCTIDqMdhg2CBufHHKJQtSFKoLAVlg77qVymHkLlZffVDclKQMGnIxkILyo7EUchztjXgzXGfgMTxg
E4oI9zF2OzbtlBJuKwN6xlJj3/2iC8/MXunLiIuMEc+SVZgwHJwE+z8dLUo2x9KeUsvEsdtwHCkXbNH0gClFB9ReWBDe+WRvn0hJzf5Bo1Ga5mf405iVEXa21Ppu9IVxdYY44PMdE7C1B4E4TnGQQp
K640Brp63x+KKb/z1v3X2F1RMdJDY+V54JGaXbeODmZrIRLv1TdxLB56l9qcSpUBMeR/SsVCTX1Qo/7eMbPRd2YyZ8yXxtzW5ksQJBSiYGMHjoQz38PUYfPr+0kF4W7vEwe38y3t5t/ecJe/VZFYWk
UA/EaO6NFK3m6InyKsaRS2JmNdGIWwiIEzAlQ7s4hX7MhjVXjXRWndw419M7dFqc753akh2gScFssw+puzl5XHqp0B4f14OI9m2nx2gEoFsrOwoKQXgFtbf7OfhW2V0O05QHzX4Uc+xiITda36gnWB
UNZ+++TkD759p+aItObQ4kJpJUaWmmxHi/1xfE/YBx9avEML5+gsqKBUfDfUn9uoPHmRHy6+5zROdgX2Dc6cq+5qfigXlcOjNltgMEmRngnPXp+CyL1z9GUuu7vuzDI18r/xNWqyJfzeM4jgBLq7m2
qxwqCCfVT2L1ueAeL3mexEZO0uHM3Fixzr3WqgXIPLDg3w1Er+aSV2/IxulaV8ukq3ZRrOSOj0Zg2Uz5FxclBqPWMXLUk2YSjJSZFFtU3AFEQPOYhVyT7AcuR+bWqK6QntKwInWXqQ997C3SblcQDs
SRO2WkdLhO4t5gX1h99nuA+E52aXBoO2c/cPSquAqZD1OjngI1R728kZhzyV+Hf5LiYOPUZk93LNpzpOSyoy2GMIhKXZc3pwdMBZ8CMYbBvHCUTDMeX+G8wEUhOWTKgD83AsG7nS8k6F6RYnEvfJjM
SmYaNq9btvELPLO9qLpAoFLUjrHCBPed7a2yCOl2H2BqOLLwj81jrgo9MWVpWevsUZSe227JMWAyoafb/BwSJ6GevgjJylhS3FQ9G5NIsnHufOwqFGKNqT6KjYwnsvJCn1yKimntzdHc+OWRgfzKoM
6lW+47bLzK2qvO4+Ku83TMOgGz6u8UoLJCNHneO0Wxf2nPnIuI
""")
SECOND = base64.b64decode("""
12szQ88Ig5TI8D5RVwgAAESeoMlegv/me2q820KYtIXdBN6AYHG/A9zuv6Fi511slgWL2/sSfN/L+QM4jpmtBJ+aPdRCWuTQmSz/8Y7PD9tahC0JdHBS8XrCBT0h9XxdJQ8sTw4CArcHhbeUbpkuWK
WaxS3qZ3TU8DtVVFJDzxoSg04/JJp405Xg0Y9NdmAE8aJnSAKnR+qpAcPxDNpVAMuRIvqp8d9mw5IHmhtA8N4cYFQZahHL6kCvtu9SU81oGPZiXvzjtt72un5LN6QPdzLgk9qn1SGQk1uNpYl2/zMS
rlCxh8FDPA8CjtzEwoOLapv8ImyktFMOekzO4b+io9OWrlo/tRI4Sy/dhR94SmXgPyxPvhGlPHd3wCNGIjndb3Uho/bH1d0+ybPyM3c9S0bSPMN16xmMYzAcIYAfZSC8+3lm/Emzk/AGHZdKJwbfjE
qUSfEdfz0ty7kMa4dwRWNufAwP5OsPaXVFRgyAaRDSw1Xx0lO8nSRSqqVJ4nofrHz07XfzIuj6iUtqg4EKNLNhkBdRpvXrZaAybgfefBIWzM4tAZP5WLs4UKgz965DK2W8WlOXXBVapLy097LE5U3x
bvr23eqU4sULTNHf4GAX4OnQKQDP/hk14Ekdd/+0/fhSkP3Yk9V3sRMaYQ72pcMrLuApNhejfLsIuEd0HDuAF8JcqQUsoQedi3iuvUeHbTMKMPaoxtYd0atViTKd5xTRnWE3D4FJdIxy8TLw/JnzTX
ZsaThZcEDY+eK7Ui/5nGOjRNairoqo5Rt7kKSoBhBfy8oxUGxEYVGt/s61G5Gr/kOWCXfIdHHPmtQHTTDhDWp/A8Y71dQxf2j/MlujvYC/Tci1KgugMXWAIusCXN13C0TW1s8GcPTpkLIjR6fbhIJl
4+Xrct/oKZrXSBpAgyLKxVeG5S9jOy+2thTq7RjXA92EBFonSui/pzN5ZhOI1pkf45sNk967QXALQfkKFcTVJiUCNd3NZ3b8d7yX56QX68sxYA0B5X8yFiqFYMrMfiegltN6GoaVLscb2Jo+mjCiom
FimE13QPgRk+gjjmH2tbmE1NPfoDPBu35PADf+v0BtkcDczzKs9CPPoecHEBDT8nASG0k86FBU71i62kIxATj+CBrbBOK9kB8vE0WLPWdYFYGXEHwU67GTIwzRFXOAqnnK4TdKfB5bvLgO4j4G6/3i
Br+w/LwO3E6+wwlmG92QjVMusMatw4t8pzMdzo3845q3Hnwy0xjRNrYQBnGhrmpmAOOJnzHw7tGeNBfRNLkMkFj4Yyx5jUSQ2kmHMHy6ki1hw5gF0HK1ib1S/fHoYhXC1U5mcOBzg6J7v/ta3fR9Zq
qFoMb58y5Z2FpE3V07Itwr6AkZtJBDeuTzagrlXt8dC1y06aPsq+6T38bjjSCdD6ZTbSel1vuxdkHN4nUl1hCT8bKActERsrSuX4nVl07hLlz31dpNajESMEHzPmFAfnbP/Nz9fhm6WM9LU29MSTiu
eTJNxAKJS0T6+K+6s1KCq2WdE8k/cEEuhcsZmjfd7GAFRUc8+1oF4I0LIJlzshcrTSH7aXRaJizN6Wuhiy+qdFtv4YnPdyqfhMv8
""")


def sink(ports):
    with selectors.DefaultSelector() as ready:
        for port in ports:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind(("", int(port)))
            ready.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                print(len(key.fileobj.recv(65536)), flush=True)


def send(way, address, port):
    family = socket.AF_INET6 if way == "mapped" else socket.AF_INET
    to = ("::ffff:" + address if way == "mapped" else address, port)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        if way in ("unconnected", "mapped"):
            for datagram in (CURL[:SIZE], CURL[SIZE:]):
                sock.sendto(datagram, to)
                time.sleep(0.05)  # a client takes its time, too
            return
        sock.connect(to)
        if way == "connected":
            sock.send(b"not yet")
            sock.send(CURL[:SIZE])
            sock.send(CURL[SIZE:])
        elif way == "segments":
            sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, SIZE)
            sock.send(CURL)
        elif way == "second":
            sock.send(SECOND)
        elif way == "parts":
            sock.sendmsg([SECOND[:600], SECOND[600:]])
        elif way == "other":
            sock.send(bytes(SIZE))
        else:
            sys.exit("no such way: " + way)


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        sink(sys.argv[2:])
    else:
        send(sys.argv[1], sys.argv[2], int(sys.argv[3]))

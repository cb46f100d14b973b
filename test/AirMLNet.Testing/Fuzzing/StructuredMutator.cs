using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AirMLNet.Testing;

/// <summary>
/// Damages files within their form, so that readers get behind the first check: JSON as a tree, safetensors with a header of the right
/// length, zips file by file, texts line by line; and now and then as mere bytes.
/// </summary>
/// <param name="seed">The same gives the same damage.</param>
public sealed class StructuredMutator(int seed)
{
    private const int Bytewise = 5; // one in so many

    private static readonly string[] Numbers =
    [
        "0",
        "-1",
        "1",
        "2",
        "3",
        "7",
        "255",
        "65536",
        "1000000000",
        "2147483647",
        "-2147483648",
        "9223372036854775807",
        "18446744073709551616",
        "1e308",
        "1e-300",
        "0.5",
        "-0.0",
    ];

    private static readonly string[] Texts =
    [
        "",
        " ",
        "../../x",
        "/etc/passwd",
        "C:\\x",
        "caf\u00e9",
        "\ud83d\ude00",
        "NaN",
        "true",
        "a\tb\nc",
        "\u0000",
        "(((((a+)+)+)+)+)$",
        "[",
        "F32",
        "I64",
        "BPE",
    ];

    private readonly Random _random = new(seed);

    /// <summary>One of some things.</summary>
    public T Pick<T>(IReadOnlyList<T> among) => among[_random.Next(among.Count)];

    /// <summary>Whether to do something that is done once in so many times.</summary>
    public bool Once(int inSoMany) => _random.Next(inSoMany) == 0;

    /// <summary>A damaged JSON text.</summary>
    public byte[] Json(byte[] file)
    {
        if (Once(Bytewise))
        {
            return Bytes(file);
        }

        var root = JsonNode.Parse(file)!;
        for (var times = 1 + _random.Next(3); times > 0; times--)
        {
            Change(root);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString(new JsonSerializerOptions { MaxDepth = 512 }));
    }

    /// <summary>A damaged safetensors file.</summary>
    public byte[] Safetensors(byte[] file)
    {
        if (Once(Bytewise))
        {
            return Bytes(file);
        }

        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        var header = Once(4) ? file[8..(8 + length)] : Json(file[8..(8 + length)]);
        var data = file[(8 + length)..];
        if (Once(4))
        {
            data = Bytes(data);
        }

        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, Once(20) ? (ulong)_random.NextInt64() : (ulong)header.Length);
        return [.. prefix, .. header, .. data];
    }

    /// <summary>A damaged zip whose files are damaged each in its own form.</summary>
    public byte[] Zip(byte[] file)
    {
        if (Once(Bytewise))
        {
            return Bytes(file);
        }

        var to = new MemoryStream();
        using (var from = new ZipArchive(new MemoryStream(file)))
        using (var made = new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true))
        {
            var hit = _random.Next(from.Entries.Count);
            for (var i = 0; i < from.Entries.Count; i++)
            {
                var entry = from.Entries[i];
                var content = new MemoryStream();
                using (var stream = entry.Open())
                {
                    stream.CopyTo(content);
                }

                var (name, bytes) = (entry.FullName, content.ToArray());
                if (i == hit)
                {
                    switch (_random.Next(6))
                    {
                        case 0:
                            continue;
                        case 1:
                            name = Pick(["../" + name, "/" + name, name + "/" + name, name.Replace('/', '\\'), Pick(Texts)]);
                            break;
                        default:
                            bytes =
                                name.EndsWith(".json", StringComparison.Ordinal) ? Json(bytes)
                                : name.EndsWith(".safetensors", StringComparison.Ordinal) ? Safetensors(bytes)
                                : Bytes(bytes);
                            break;
                    }
                }

                if (name.Length == 0)
                {
                    name = "x";
                }

                using var written = made.CreateEntry(name, CompressionLevel.Fastest).Open();
                written.Write(bytes);
            }
        }

        return to.ToArray();
    }

    /// <summary>A damaged text: lines left out, doubled, swapped, joined, made long; other encodings.</summary>
    public byte[] Lines(byte[] file)
    {
        if (Once(Bytewise))
        {
            return Bytes(file);
        }

        var lines = Encoding.UTF8.GetString(file).Split('\n').ToList();
        for (var times = 1 + _random.Next(3); times > 0 && lines.Count > 0; times--)
        {
            var at = _random.Next(lines.Count);
            switch (_random.Next(7))
            {
                case 0:
                    lines.RemoveAt(at);
                    break;
                case 1:
                    lines.Insert(at, lines[at]);
                    break;
                case 2:
                    lines[at] = Pick(Texts);
                    break;
                case 3:
                    lines[at] += Pick(Texts);
                    break;
                case 4:
                    lines[at] = string.Concat(Enumerable.Repeat(lines[at], 1 + _random.Next(50)));
                    break;
                case 5:
                    lines[at] = lines[at][..(lines[at].Length / 2)];
                    break;
                default:
                    (lines[0], lines[at]) = (lines[at], lines[0]);
                    break;
            }
        }

        var text = string.Join(Once(4) ? "\r\n" : "\n", lines);
        return _random.Next(6) switch
        {
            0 => Encoding.Latin1.GetBytes(text),
            1 => [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(text)],
            2 => Encoding.Unicode.GetBytes(text),
            _ => Encoding.UTF8.GetBytes(text),
        };
    }

    /// <summary>Bytes changed, cut off, left out, put in.</summary>
    public byte[] Bytes(byte[] file)
    {
        List<byte> copy = [.. file];
        for (var times = 1 + _random.Next(4); times > 0 && copy.Count > 0; times--)
        {
            var at = _random.Next(copy.Count);
            switch (_random.Next(5))
            {
                case 0:
                    copy[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    copy[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    copy.RemoveRange(at, copy.Count - at);
                    break;
                case 3:
                    copy.RemoveRange(at, Math.Min(copy.Count - at, 1 + _random.Next(16)));
                    break;
                default:
                    copy.InsertRange(at, copy.GetRange(at, Math.Min(copy.Count - at, 1 + _random.Next(64))));
                    break;
            }
        }

        return [.. copy];
    }

    private void Change(JsonNode root)
    {
        List<(JsonNode Parent, object Key)> places = [];
        void Collect(JsonNode? node)
        {
            switch (node)
            {
                case JsonObject o:
                    foreach (var (key, value) in o)
                    {
                        places.Add((o, key));
                        Collect(value);
                    }

                    break;
                case JsonArray a:
                    for (var i = 0; i < Math.Min(a.Count, 8); i++)
                    {
                        places.Add((a, i));
                        Collect(a[i]);
                    }

                    break;
            }
        }

        Collect(root);
        if (places.Count == 0)
        {
            return;
        }

        var (parent, place) = Pick(places);
        var old = (parent is JsonObject fields ? fields[(string)place] : ((JsonArray)parent)[(int)place])?.DeepClone();
        if (parent is JsonObject from && Once(5))
        {
            from.Remove((string)place);
            if (Once(2))
            {
                from[(string)place + Pick(Texts)] = old;
            }

            return;
        }

        var value = _random.Next(9) switch
        {
            0 => JsonNode.Parse(Pick(Numbers)),
            1 => Pick(Texts),
            2 => null,
            3 => Once(2),
            4 => new JsonArray(old),
            5 => new JsonObject { ["x"] = old },
            6 => old is JsonArray list
                ? new JsonArray([.. list.Select(i => i?.DeepClone()), .. list.Select(i => i?.DeepClone())])
                : new JsonArray(),
            7 => old is JsonValue v && v.TryGetValue<long>(out var number) ? number + _random.Next(-2, 3) : Deep(),
            _ => old is JsonValue t && t.TryGetValue<string>(out var text) ? text + Pick(Texts) : JsonNode.Parse(Pick(Numbers)),
        };
        if (parent is JsonObject to)
        {
            to[(string)place] = value;
        }
        else
        {
            ((JsonArray)parent)[(int)place] = value;
        }
    }

    private static JsonNode Deep()
    {
        JsonNode node = new JsonArray();
        for (var i = 0; i < 100; i++)
        {
            node = new JsonArray(node);
        }

        return node;
    }
}

using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using AirMLNet.Options;
using AirMLNet.Weights;
using Microsoft.ML;
using TorchSharp;

namespace AirMLNet.Pipeline;

/// <summary>
/// What a stage writes into its folder of a saved model: <c>stage.json</c> (options and names) and, for learned numbers,
/// <c>state.safetensors</c>.
/// </summary>
internal static class ModelStream
{
    /// <summary>Version of what stages write. A reader refuses a higher one.</summary>
    public const int Format = 1;

    private const string JsonName = "stage.json",
        StateName = "state.safetensors";
    private const uint Version = 0x00010001;
    private const long LargestState = 1L << 31,
        LargestFile = 1L << 36;

    public static void Begin(ModelSaveContext ctx, string signature, string loader)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ctx.CheckAtModel();
        ctx.SetVersionInfo(VersionOf(signature, loader));
    }

    public static void CheckVersion(ModelLoadContext ctx, string signature, string loader) =>
        ctx.CheckAtModel(VersionOf(signature, loader));

    public static void WriteJson<T>(ModelSaveContext ctx, T file)
        where T : StageFile =>
        ctx.SaveBinaryStream(JsonName, writer => writer.Write(JsonSerializer.SerializeToUtf8Bytes(file, OptionsJson.Settings)));

    /// <exception cref="FormatException">The file is missing, malformed, or of a newer format.</exception>
    public static T ReadJson<T>(ModelLoadContext ctx, string stage)
        where T : StageFile
    {
        var json = ReadBytes(ctx, JsonName, stage);
        try
        {
            using (var document = JsonDocument.Parse(json))
            {
                if (!document.RootElement.TryGetProperty("format", out var format) || !format.TryGetInt32(out var number))
                {
                    throw new FormatException($"{stage}: {JsonName} of the saved model has no format number.");
                }

                if (number > Format)
                {
                    throw new FormatException(
                        $"{stage}: the model was saved in format {number}; this version of AirMLNet "
                            + $"reads up to {Format}. Use a newer version."
                    );
                }
            }
            var file =
                JsonSerializer.Deserialize<T>(json, OptionsJson.Settings)
                ?? throw new FormatException($"{stage}: {JsonName} of the saved model is 'null'.");
            return HasNullInList(file) ? throw new FormatException($"{stage}: {JsonName} of the saved model has null in a list.") : file;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new FormatException($"{stage}: {JsonName} of the saved model is not valid: {e.Message}", e);
        }
    }

    // The serializer heeds which members may be null, but not which elements of lists. Numbers that may be missing are none of ours.
    private static bool HasNullInList(object? value) =>
        value switch
        {
            null or string => false,
            IEnumerable list => list.GetType().GetInterfaces().All(i => !i.IsGenericType || !HoldsNullable(i))
                && list.Cast<object?>().Any(element => element is null || HasNullInList(element)),
            _ when value.GetType().Assembly.GetName().Name!.StartsWith(nameof(AirMLNet), StringComparison.Ordinal)
                    && !value.GetType().IsEnum => value
                .GetType()
                .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Any(p => p.GetIndexParameters().Length == 0 && HasNullInList(p.GetValue(value))),
            _ => false,
        };

    private static bool HoldsNullable(Type sequence) =>
        sequence.GetGenericTypeDefinition() == typeof(IEnumerable<>)
        && Nullable.GetUnderlyingType(sequence.GetGenericArguments()[0]) is not null;

    public static void WriteState(ModelSaveContext ctx, params (string Name, float[] Values, long[] Shape)[] arrays)
    {
        using var scope = torch.NewDisposeScope();
        var tensors = arrays.ToDictionary(a => a.Name, a => torch.tensor(a.Values, a.Shape), StringComparer.Ordinal);
        ctx.SaveBinaryStream(
            StateName,
            writer =>
            {
                writer.Flush();
                Safetensors.Write(writer.BaseStream, tensors);
            }
        );
    }

    /// <exception cref="FormatException">The state is missing or damaged.</exception>
    public static Dictionary<string, (float[] Values, long[] Shape)> ReadState(ModelLoadContext ctx, string stage)
    {
        using var scope = torch.NewDisposeScope();
        try
        {
            using var bytes = new MemoryStream(ReadBytes(ctx, StateName, stage));
            return Safetensors
                .Read(bytes, $"{stage}/{StateName}", LargestState)
                .ToDictionary(
                    t => t.Key,
                    t =>
                        (
                            MemoryMarshal.Cast<byte, float>(t.Value.to_type(torch.ScalarType.Float32).contiguous().bytes).ToArray(),
                            t.Value.shape
                        ),
                    StringComparer.Ordinal
                );
        }
        catch (SafetensorsException e)
        {
            throw new FormatException($"{stage}: {StateName} of the saved model is damaged: {e.Message}", e);
        }
    }

    public static float[] Take(Dictionary<string, (float[] Values, long[] Shape)> state, string stage, string name, params long[] shape)
    {
        if (!state.TryGetValue(name, out var array))
        {
            throw new FormatException($"{stage}: the saved model has no '{name}'.");
        }

        if (array.Shape.Length != shape.Length || shape.Where((size, i) => size >= 0 && size != array.Shape[i]).Any())
        {
            throw new FormatException(
                $"{stage}: '{name}' of the saved model has shape [{string.Join(", ", array.Shape)}]; expected [{string.Join(", ", shape)}]."
            );
        }

        return array.Values;
    }

    public static void WriteFile(ModelSaveContext ctx, string name, string path) =>
        ctx.SaveBinaryStream(
            name,
            writer =>
            {
                writer.Flush();
                using var file = File.OpenRead(path);
                file.CopyTo(writer.BaseStream);
            }
        );

    /// <exception cref="FormatException">The stream is missing.</exception>
    public static void ReadFile(ModelLoadContext ctx, string name, string stage, string path)
    {
        var found = ctx.TryLoadBinaryStream(
            name,
            reader =>
            {
                using var file = File.Create(path);
                Copy(reader.BaseStream, file, LargestFile, stage, name);
            }
        );
        if (!found)
        {
            throw new FormatException($"{stage}: the saved model has no '{name}'.");
        }
    }

    private static byte[] ReadBytes(ModelLoadContext ctx, string name, string stage)
    {
        using var bytes = new MemoryStream();
        try
        {
            if (!ctx.TryLoadBinaryStream(name, reader => Copy(reader.BaseStream, bytes, LargestState, stage, name)))
            {
                throw new FormatException($"{stage}: the saved model has no '{name}'.");
            }
        }
        catch (InvalidDataException e)
        {
            throw new FormatException($"{stage}: '{name}' of the saved model is damaged: {e.Message}", e);
        }
        return bytes.ToArray();
    }

    // A stream says how long it is; a stranger's may say so wrongly.
    private static void Copy(Stream from, Stream to, long most, string stage, string name)
    {
        var buffer = new byte[1 << 16];
        long total = 0;
        for (int read; (read = from.Read(buffer)) > 0; )
        {
            total += read;
            if (total > most)
            {
                throw new FormatException($"{stage}: '{name}' of the saved model has more than {most} bytes.");
            }
            to.Write(buffer, 0, read);
        }
    }

    private static VersionInfo VersionOf(string signature, string loader) =>
        new(signature, Version, Version, Version, typeof(ModelStream).Assembly.FullName!, loader);
}

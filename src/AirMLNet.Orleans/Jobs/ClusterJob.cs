using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using AirMLNet.Options;

namespace AirMLNet.Cluster;

/// <summary>
/// Work for a cluster, cut into pieces that any silo can do. Every path is absolute and on a file system that all silos share. A piece
/// that is done twice writes the same bytes under the same names. Values are checked when they are set.
/// </summary>
/// <remarks>As JSON the first member is <c>kind</c>: <c>embed</c>, <c>synthesize</c> or <c>captions</c>.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(EmbeddingJob), "embed")]
[JsonDerivedType(typeof(SynthesisJob), "synthesize")]
[JsonDerivedType(typeof(DescriptionJob), "captions")]
public abstract record ClusterJob
{
    private protected ClusterJob() { }

    /// <summary>
    /// Pieces, 1..100,000. A silo that dies loses the piece it was at; each costs a look at what is to be done, and two writes to Redis.
    /// </summary>
    public int Pieces
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100_000);
    } = 64;

    /// <summary>
    /// How often a piece is tried, 1..100, before the job is given up: a piece that fails, or whose silo dies, is handed out again.
    /// </summary>
    public int Attempts
    {
        get;
        init => field = OptionCheck.Range(value, 1, 100);
    } = 4;

    /// <summary>The name of the job: the same work has the same name, so that what is submitted twice is done once.</summary>
    public string Id() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToJson())))[..16];

    /// <summary>The job as JSON.</summary>
    public string ToJson() => OptionsJson.Write(this);

    /// <summary>A job from JSON.</summary>
    /// <param name="json">What <see cref="ToJson"/> wrote, or the same by hand.</param>
    /// <exception cref="FormatException">The JSON is malformed, its first member is not <c>kind</c>, or a value is refused; the message
    /// says which.</exception>
    public static ClusterJob FromJson(string json)
    {
        try
        {
            return OptionsJson.Read<ClusterJob>(json);
        }
        catch (NotSupportedException e)
        {
            throw new FormatException(
                "The job has no \"kind\" as its first member; expected \"embed\", \"synthesize\" or \"captions\".",
                e
            );
        }
    }

    private protected static string Absolute(string value, [System.Runtime.CompilerServices.CallerMemberName] string option = "") =>
        Path.IsPathFullyQualified(OptionCheck.NotBlank(value, option))
            ? value
            : throw new ArgumentException($"{option} = '{value}'; expected an absolute path, the same on every silo.", option);
}

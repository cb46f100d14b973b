namespace PhotoService;

/// <summary>What the service is started with.</summary>
internal sealed record PhotoSettings
{
    // Headers and boundaries of a form around the photo.
    private const int Envelope = 16_384;

    /// <summary>The model's zip.</summary>
    public string Model { get; init; } = "";

    /// <summary>The largest photo, in bytes.</summary>
    public int MaxBytes { get; init; } = 10_000_000;

    /// <summary>The largest photo, in millions of pixels. A decoded pixel takes 7 bytes while its photo waits for the model.</summary>
    public int MaxMegapixels { get; init; } = 24;

    /// <summary>Photos that are decoded and classified at a time; the others wait.</summary>
    public int Engines { get; init; } = Environment.ProcessorCount;

    /// <summary>The largest body of a request, in bytes.</summary>
    public int MaxBody => MaxBytes + Envelope;

    /// <summary>
    /// The largest body that is received and thrown away. Most clients look for an answer only when they have sent everything: a
    /// connection that is closed before tells them nothing.
    /// </summary>
    public long MaxRefused => 4L * MaxBody;

    /// <exception cref="ArgumentException">A value is missing or out of range.</exception>
    /// <exception cref="InvalidOperationException">A value is not a number.</exception>
    public static PhotoSettings Read(IConfiguration configuration)
    {
        var settings = configuration.Get<PhotoSettings>() ?? new PhotoSettings();
        return settings switch
        {
            { Model: "" } => throw new ArgumentException("--Model names no file; it takes the zip that 'airml adapt' wrote."),
            { MaxBytes: < 1 or > 1_000_000_000 } => throw new ArgumentException($"MaxBytes = {settings.MaxBytes}; expected 1..1000000000."),
            { MaxMegapixels: < 1 or > 2000 } => throw new ArgumentException($"MaxMegapixels = {settings.MaxMegapixels}; expected 1..2000."),
            { Engines: < 1 or > 1024 } => throw new ArgumentException($"Engines = {settings.Engines}; expected 1..1024."),
            _ => settings,
        };
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.Runtime;

/// <summary>The state that an environment shares with all hosts made from it.</summary>
internal sealed class EnvironmentState
{
    private volatile bool _cancelled;

    public ComponentCatalog Catalog { get; } = new();

    public ConcurrentDictionary<string, object> Options { get; } = new(StringComparer.Ordinal);

    /// <summary>Receives the source and the message.</summary>
    public Action<string, ChannelMessage> Sink { get; set; }

    public int? Seed { get; set; }

    public int? GpuDeviceId { get; set; }

    public bool FallbackToCpu { get; set; }

    public string TempFilePath { get; set; } = Path.GetTempPath();

    public bool IsCancelled => _cancelled;

    public void Cancel() => _cancelled = true;
}

/// <summary>The environment behind an MLContext, and the hosts registered with it.</summary>
internal sealed class LocalEnvironment : IHost, IHostEnvironmentInternal, ICancelable
{
    private readonly EnvironmentState _state;
    private readonly string _name;
    private readonly Lock _randLock = new();

    public LocalEnvironment(int? seed = null)
        : this(new EnvironmentState { Seed = seed }, "Environment", seed is { } value ? new Random(value) : new Random())
    {
        _state.Catalog.RegisterLoadedAssemblies();
    }

    private LocalEnvironment(EnvironmentState state, string name, Random rand)
    {
        _state = state;
        _name = name;
        Rand = rand;
    }

    public Random Rand { get; }

    public string ContextDescription => _name;

    public ComponentCatalog ComponentCatalog => _state.Catalog;

    public int? Seed => _state.Seed;

    public string TempFilePath
    {
        get => _state.TempFilePath;
        set => _state.TempFilePath = value;
    }

    public int? GpuDeviceId
    {
        get => _state.GpuDeviceId;
        set => _state.GpuDeviceId = value;
    }

    public bool FallbackToCpu
    {
        get => _state.FallbackToCpu;
        set => _state.FallbackToCpu = value;
    }

    public bool IsCanceled => _state.IsCancelled;

    public void CancelExecution() => _state.Cancel();

    internal void AddListener(Action<string, ChannelMessage> sink) => _state.Sink += sink;

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        this.CheckNonEmpty(name, nameof(name));
        this.CheckAlive();
        int hostSeed;
        // Random is not thread-safe, and hosts are registered from several threads.
        lock (_randLock)
            hostSeed = seed ?? Rand.Next();
        return new LocalEnvironment(_state, name, new Random(hostSeed));
    }

    public IChannel Start(string name) => new Channel(this, Qualify(name));

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this, Qualify(name));

    public IProgressChannel StartProgressChannel(string name) => new ProgressChannel(this, Qualify(name));

    public TException Process<TException>(TException ex)
        where TException : Exception => Contracts.Mark(ex, _name);

    public T GetOptionOrDefault<T>(string name) => TryGetOption(name, out T value) ? value : default;

    public void SetOption<T>(string name, T value) => _state.Options[name] = value;

    public bool TryAddOption<T>(string name, T value) => _state.Options.TryAdd(name, value);

    public bool TryGetOption<T>(string name, out T value)
    {
        if (_state.Options.TryGetValue(name, out object option) && option is T typed)
        {
            value = typed;
            return true;
        }
        value = default;
        return false;
    }

    public bool RemoveOption(string name) => _state.Options.TryRemove(name, out _);

    private string Qualify(string name) => string.IsNullOrEmpty(name) || name == _name ? _name : $"{_name}; {name}";

    private void Send(string source, in ChannelMessage message) => _state.Sink?.Invoke(source, message);

    private sealed class Channel(LocalEnvironment env, string name) : IChannel
    {
        public string ContextDescription => name;

        public void Trace(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Trace, sensitivity, fmt);

        public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(ChannelMessageKind.Trace, sensitivity, fmt, args);

        public void Error(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Error, sensitivity, fmt);

        public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(ChannelMessageKind.Error, sensitivity, fmt, args);

        public void Warning(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Warning, sensitivity, fmt);

        public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(ChannelMessageKind.Warning, sensitivity, fmt, args);

        public void Info(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Info, sensitivity, fmt);

        public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(ChannelMessageKind.Info, sensitivity, fmt, args);

        public void Send(ChannelMessage msg) => env.Send(name, msg);

        public TException Process<TException>(TException ex)
            where TException : Exception => Contracts.Mark(ex, name);

        public void Dispose()
        {
        }

        private void Send(ChannelMessageKind kind, MessageSensitivity sensitivity, string fmt, object[] args = null) =>
            env.Send(name, new ChannelMessage(kind, sensitivity, fmt, args));
    }

    private sealed class Pipe<TMessage>(LocalEnvironment env, string name) : IPipe<TMessage>
    {
        public string ContextDescription => name;

        public void Send(TMessage msg)
        {
            if (msg is ChannelMessage text)
                env.Send(name, text);
        }

        public TException Process<TException>(TException ex)
            where TException : Exception => Contracts.Mark(ex, name);

        public void Dispose()
        {
        }
    }

    /// <summary>Turns checkpoints into trace messages.</summary>
    private sealed class ProgressChannel(LocalEnvironment env, string name) : IProgressChannel
    {
        private ProgressHeader _header = new();
        private Action<IProgressEntry> _fill;

        public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction)
        {
            env.CheckValue(header, nameof(header));
            _header = header;
            _fill = fillAction;
        }

        public void Checkpoint(params double?[] values)
        {
            var entry = new Entry(_header);
            _fill?.Invoke(entry);
            values ??= [];
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i] is not { } value)
                    continue;
                if (i < entry.Metrics.Length)
                    entry.Metrics[i] = value;
                else if (i - entry.Metrics.Length < entry.Units.Length)
                    entry.Units[i - entry.Metrics.Length] = value;
            }
            env.Send(name, new ChannelMessage(ChannelMessageKind.Trace, MessageSensitivity.None, entry.ToString()));
        }

        public IProgressChannel StartProgressChannel(string sub) => new ProgressChannel(env, $"{name}; {sub}");

        public void Dispose()
        {
        }
    }

    private sealed class Entry(ProgressHeader header) : IProgressEntry
    {
        public double?[] Metrics { get; } = new double?[header.MetricNames.Count];

        public double?[] Units { get; } = new double?[header.UnitNames.Count];

        private readonly double?[] _limits = new double?[header.UnitNames.Count];

        public void SetProgress(int index, double value) => Units[index] = value;

        public void SetProgress(int index, double value, double lim)
        {
            Units[index] = value;
            _limits[index] = lim;
        }

        public void SetMetric(int index, double value) => Metrics[index] = value;

        public override string ToString()
        {
            var text = new StringBuilder();
            for (int i = 0; i < Units.Length; i++)
            {
                if (Units[i] is not { } value)
                    continue;
                text.Append(text.Length > 0 ? ", " : "").Append(value.ToString(CultureInfo.InvariantCulture));
                if (_limits[i] is { } limit)
                    text.Append('/').Append(limit.ToString(CultureInfo.InvariantCulture));
                text.Append(' ').Append(header.UnitNames[i]);
            }
            for (int i = 0; i < Metrics.Length; i++)
            {
                if (Metrics[i] is { } value)
                    text.Append(text.Length > 0 ? ", " : "").Append(header.MetricNames[i]).Append(": ").Append(value.ToString(CultureInfo.InvariantCulture));
            }
            return text.ToString();
        }
    }
}
